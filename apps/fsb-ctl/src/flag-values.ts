import { InvalidArgumentError } from 'commander';
import { usageError } from './command-error';
import { type Check, durationMs, ENV_NAME, LABEL_KEY, LABEL_VALUE, PORT } from './checks';
import type { PolicyName } from './failure-policy';

type Pairs = Readonly<Record<string, string>>;

export function parserOf(check: Check): (text: string) => string {
  return (text) => {
    if (!check.allows(text)) throw new InvalidArgumentError(`${sentence(check.rule)}.`);
    return text;
  };
}

export function numberParserOf(check: Check): (text: string) => number {
  return (text) => Number(parserOf(check)(text));
}

/** Parser of `--ports 8080,9090`; the flag may be repeated. */
export function ports(text: string, before: readonly number[] = []): number[] {
  return [...before, ...text.split(',').map((port) => numberParserOf(PORT)(port.trim()))];
}

/** Parser of `--env NAME=value`, the value verbatim. Throws CommandError, since commander's error quotes the value. */
export function env(text: string, before: Pairs = {}): Pairs {
  const at = text.indexOf('=');
  if (at < 1) throw usageError("option '--env': must be NAME=value");
  const name = text.slice(0, at);
  if (!ENV_NAME.allows(name)) throw usageError(`option '--env': "${name}": ${ENV_NAME.rule}`);
  return { ...before, [name]: text.slice(at + 1) };
}

/** Parser of `--labels k=v,k2=v2`; the flag may be repeated. */
export function labels(text: string, before: Pairs = {}): Pairs {
  const pairs = text.split(',').map((part) => {
    const one = pair(part.trim(), 'key=value[,key2=value2]', LABEL_KEY);
    Object.values(one).forEach(parserOf(LABEL_VALUE));
    return one;
  });
  return Object.assign({}, before, ...pairs) as Pairs; // Object.assign returns any
}

/** Parser of a time such as 1m30s. A bare number is seconds. @returns milliseconds */
export function durationFlag(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : durationMs(text);
  if (ms === undefined || ms < 1 || ms > 2 ** 31 - 1) {
    throw new InvalidArgumentError('Must be a time such as 500ms, 10s or 1m30s, above 0.');
  }
  return ms;
}

/** Parser of `--wait`. @returns milliseconds, up to five minutes; 0: do not wait */
export function wait(text: string): number {
  const ms = text === '0' ? 0 : durationFlag(text);
  if (ms > 300_000) throw new InvalidArgumentError('Must be a time such as 30s, at most 5m; or 0 not to wait.');
  return ms;
}

/** Parser of `--expire-time`. A duration counts from now. @returns Unix seconds; 0: never */
export function expireTime(text: string): number {
  const seconds = secondsOf(text);
  if (seconds === undefined || !Number.isSafeInteger(seconds)) {
    throw new InvalidArgumentError(
      'Must be Unix seconds, RFC 3339 such as 2030-01-31T12:00:00Z, a duration from now such as 30m, or 0 for never.',
    );
  }
  if (seconds !== 0 && seconds * 1_000 <= Date.now()) throw new InvalidArgumentError('The time is in the past.');
  return seconds;
}

function secondsOf(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const fromNow = durationMs(text);
  if (fromNow !== undefined) return Math.ceil((Date.now() + fromNow) / 1_000);
  const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
  return rfc3339.test(text) ? Math.floor(Date.parse(text) / 1_000) : undefined;
}

function pair(text: string, form: string, key: Check): Pairs {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`Must be ${form}.`);
  return { [parserOf(key)(text.slice(0, at))]: text.slice(at + 1) };
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Parser of `--failure-policy`, with the spellings of the Go predecessor. */
export function policy(text: string): PolicyName {
  switch (text.toLowerCase()) {
    case 'manual':
      return 'manual';
    case 'auto-recreate':
    case 'autorecreate':
    case 'auto':
      return 'auto-recreate';
    default:
      throw new InvalidArgumentError('Must be manual or auto-recreate.');
  }
}
