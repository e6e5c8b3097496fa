import { ApiError } from './errors';

const SUFFIXES: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const QUANTITY = /^(\d+(?:\.\d+)?|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?$/;

/**
 * A Kubernetes quantity as a number of its base unit (cores, bytes, processes).
 * @throws ApiError invalid_argument naming `field`, when it is malformed, negative or not finite
 * @example parseQuantity('500m', 'resources.cpu') // 0.5
 */
export function parseQuantity(text: string, field: string): number {
  const match = QUANTITY.exec(text);
  if (!match) throw new ApiError('invalid_argument', `${field}: "${text}" is not a quantity such as "500m" or "64Mi"`);
  const [, digits = '', suffix = '', exponent = '0'] = match;
  const amount = Number(digits) * (SUFFIXES[suffix] ?? 1) * 10 ** Number(exponent);
  if (!Number.isFinite(amount)) throw new ApiError('invalid_argument', `${field}: is a larger quantity than there is`);
  return amount;
}

/**
 * A whole number with the largest binary suffix that leaves it whole. Pure.
 * @example inPowersOf1024(4096) // '4Ki'
 */
export function inPowersOf1024(amount: number): string {
  const units = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
  let unit = 0;
  while (unit < units.length - 1 && amount >= 1024 && amount % 1024 === 0) {
    amount /= 1024;
    unit++;
  }
  return `${amount}${units[unit] ?? ''}`;
}
