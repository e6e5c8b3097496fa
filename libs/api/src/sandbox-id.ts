import { hash } from 'node:crypto';
import { CREATE_TIMESTAMP_ANNOTATION, CREATED_BY_FASTPATH, CREATED_BY_LABEL } from './labels';
import { type ObjectMeta } from './sandbox';

/** The original's id of a FAST sandbox: MD5 hex of `name:namespace:nanoseconds`. An identity, not a secret. */
export function fastSandboxId(name: string, namespace: string, unixNanos: bigint): string {
  return hash('md5', `${name}:${namespace}:${unixNanos.toString()}`, 'hex');
}

/** The id that the object of a FAST create was given before it was written; undefined for any other object. */
export function idBeforeObject({ name = '', namespace = '', labels, annotations }: ObjectMeta): string | undefined {
  const nanos = annotations?.[CREATE_TIMESTAMP_ANNOTATION] ?? '';
  const isFast = labels?.[CREATED_BY_LABEL] === CREATED_BY_FASTPATH && /^\d{1,20}$/.test(nanos);
  return isFast ? fastSandboxId(name, namespace, BigInt(nanos)) : undefined;
}

/** The id of the n-th container of an object: its uid, then uid + attempt, so that an old one can always be told apart. */
export function objectSandboxId(uid: string, attempt: number): string {
  return attempt === 0 ? uid : `${uid}-${attempt}`;
}
