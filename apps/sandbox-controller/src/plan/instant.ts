const RFC3339 = /^(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d{2}:\d{2})$/;

/** Parses an RFC 3339 time into Unix nanoseconds; undefined if malformed. A Date has milliseconds only. */
export function unixNanos(time: string | undefined): bigint | undefined {
  const match = RFC3339.exec(time ?? '');
  if (!match) return undefined;
  const [, seconds = '', fraction = '', zone = ''] = match;
  const ms = Date.parse(`${seconds}${zone}`.toUpperCase());
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** Parses an RFC 3339 time into Unix milliseconds, rounded up so that no deadline passes early. */
export function unixMillis(time: string | undefined): number | undefined {
  const nanos = unixNanos(time);
  return nanos === undefined ? undefined : Number((nanos + 999_999n) / 1_000_000n);
}

/**
 * Whether `candidate` is a time, and later than `than`. An absent or malformed `than` is before everything.
 * @example isLater('2026-05-01T14:00:00+02:00', '2026-05-01T11:59:59Z') // true
 */
export function isLater(candidate: string | undefined, than: string | undefined): boolean {
  const [a, b] = [unixNanos(candidate), unixNanos(than)];
  return a !== undefined && (b === undefined || a > b);
}
