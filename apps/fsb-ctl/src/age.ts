const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/**
 * Time since `createdAt` (Unix seconds; 0: unknown) as kubectl writes it: two units while both matter, then one.
 * @example age(0, 135_000); // '<unknown>'
 * @example age(1, 136_000); // '2m15s'
 */
export function age(createdAt: number, nowMs: number): string {
  if (createdAt === 0) return '<unknown>';
  const seconds = Math.max(0, Math.floor(nowMs / 1_000) - createdAt);
  if (seconds < 2 * MINUTE) return `${seconds}s`;
  if (seconds < 10 * MINUTE) return two(seconds, MINUTE, 'm', 1, 's');
  if (seconds < 3 * HOUR) return one(seconds, MINUTE, 'm');
  if (seconds < 8 * HOUR) return two(seconds, HOUR, 'h', MINUTE, 'm');
  if (seconds < 2 * DAY) return one(seconds, HOUR, 'h');
  if (seconds < 8 * DAY) return two(seconds, DAY, 'd', HOUR, 'h');
  if (seconds < 2 * YEAR) return one(seconds, DAY, 'd');
  if (seconds < 8 * YEAR) return two(seconds, YEAR, 'y', DAY, 'd');
  return one(seconds, YEAR, 'y');
}

function one(seconds: number, unit: number, letter: string): string {
  return `${Math.floor(seconds / unit)}${letter}`;
}

function two(seconds: number, unit: number, letter: string, smaller: number, smallerLetter: string): string {
  const rest = Math.floor((seconds % unit) / smaller);
  return one(seconds, unit, letter) + (rest === 0 ? '' : `${rest}${smallerLetter}`);
}
