const RFC3339 = /^(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d{2}:\d{2})$/;

/** An RFC 3339 time in Unix nanoseconds; a Date would drop all below the millisecond. */
export function unixNanos(time: string | undefined): bigint | undefined {
  const match = RFC3339.exec(time ?? '');
  if (!match) return undefined;
  const [, seconds = '', fraction = '', zone = ''] = match;
  const ms = Date.parse(`${seconds}${zone}`.toUpperCase());
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** Unix milliseconds, rounded up: a deadline has passed when all of it has. */
export function unixMillis(time: string | undefined): number | undefined {
  const nanos = unixNanos(time);
  return nanos === undefined ? undefined : Number((nanos + 999_999n) / 1_000_000n);
}

/** Whether `candidate` is a time, and later than `than`; an absent or malformed `than` is before everything. */
export function isLater(candidate: string | undefined, than: string | undefined): boolean {
  const [a, b] = [unixNanos(candidate), unixNanos(than)];
  return a !== undefined && (b === undefined || a > b);
}
