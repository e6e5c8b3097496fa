import { createHash } from 'node:crypto';

/** The original's id of a FAST sandbox: MD5 hex of `name:namespace:nanoseconds`. An identity, not a secret. */
export function fastSandboxId(name: string, namespace: string, unixNanos: bigint): string {
  return createHash('md5').update(`${name}:${namespace}:${unixNanos.toString()}`).digest('hex');
}

/** The id of the n-th container of an object: its uid, then uid + attempt, so that an old one can always be told apart. */
export function objectSandboxId(uid: string, attempt: number): string {
  return attempt === 0 ? uid : `${uid}-${attempt}`;
}
