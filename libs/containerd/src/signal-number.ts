import { constants } from 'node:os';

/** signal(7): the range of real-time signals in glibc and musl, which an image's programs use. */
const REAL_TIME = { RTMIN: 34, RTMAX: 64 } as const;
const NAMED: ReadonlyMap<string, number> = new Map(Object.entries(constants.signals));

/**
 * The number of a STOPSIGNAL, parsed as docker does: a number, or a name with or without SIG, such as SIGRTMIN+3. Pure.
 * @returns undefined if malformed; docker then sends SIGTERM
 */
export function signalNumber(text: string): number | undefined {
  if (/^\d{1,2}$/.test(text)) return inRange(Number(text));
  const name = text.toUpperCase().replace(/^SIG/, '');
  const [, base = '', sign = '', offset = ''] = /^(RTMIN|RTMAX)(?:([+-])(\d{1,2}))?$/.exec(name) ?? [];
  if (base === 'RTMIN' && sign !== '-') return inRange(REAL_TIME.RTMIN + Number(offset));
  if (base === 'RTMAX' && sign !== '+') return inRange(REAL_TIME.RTMAX - Number(offset));
  return NAMED.get(`SIG${name}`);
}

function inRange(number: number): number | undefined {
  return number >= 1 && number <= REAL_TIME.RTMAX ? number : undefined;
}
