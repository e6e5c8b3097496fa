import { hash } from 'node:crypto';
import { CREATE_TIMESTAMP_ANNOTATION, CREATED_BY_FASTPATH, CREATED_BY_LABEL } from './labels';
import { type ObjectMeta, type Sandbox } from './sandbox';

type Identified = Pick<Sandbox, 'metadata' | 'status'>;

/** The Go predecessor's id of a FAST sandbox: MD5 hex of `name:namespace:nanoseconds`. An identity, not a secret. */
export function fastSandboxId(name: string, namespace: string, unixNanos: bigint): string {
  return hash('md5', `${name}:${namespace}:${unixNanos.toString()}`, 'hex');
}

/**
 * The id of an object's container by attempt. Ids of different attempts differ, so that an old container can always be
 * told from the current one.
 * @returns the uid for attempt 0, else `uid-attempt`
 */
export function objectSandboxId(uid: string, attempt: number): string {
  return attempt === 0 ? uid : `${uid}-${attempt}`;
}

/** The attempt in an id that {@link objectSandboxId} made. @returns 0 for any other id */
export function attemptInId(sandboxId: string, uid: string): number {
  const number = sandboxId.startsWith(`${uid}-`) ? sandboxId.slice(uid.length + 1) : '';
  return uid !== '' && /^\d{1,9}$/.test(number) ? Number(number) : 0;
}

/** The number of containers that the object has had before its current one. */
export function attemptOf({ status }: Identified): number {
  return status?.attempt ?? 0;
}

/** The id of the object's current container, created or not. Never that of an earlier attempt. */
export function currentSandboxId(sandbox: Identified): string {
  const { metadata, status } = sandbox;
  const { sandboxID = '' } = status ?? {};
  return sandboxID === '' ? idOfAttempt(metadata, attemptOf(sandbox)) : sandboxID;
}

/**
 * The current id, if its container is known to have been created: the status names it, or the object is a FAST create's
 * and has no phase yet.
 * @returns empty otherwise: callers see no id, and the janitor ends no container for having another id
 */
export function knownSandboxId(sandbox: Identified): string {
  const { metadata, status } = sandbox;
  if (status?.sandboxID) return status.sandboxID;
  const isBeforeStatus = status?.phase === undefined && attemptOf(sandbox) === 0;
  return (isBeforeStatus ? idBeforeObject(metadata) : undefined) ?? '';
}

/** The id of the object's last container, even after its removal. @returns empty where it may have had none */
export function lastSandboxId(sandbox: Identified): string {
  const known = knownSandboxId(sandbox);
  return known === '' && sandbox.status?.finishedAt !== undefined ? currentSandboxId(sandbox) : known;
}

/** The id of the container of the attempt before the current one. @returns undefined for the first attempt */
export function previousSandboxId(sandbox: Identified): string | undefined {
  const attempt = attemptOf(sandbox);
  return attempt === 0 ? undefined : idOfAttempt(sandbox.metadata, attempt - 1);
}

function idOfAttempt(metadata: ObjectMeta, attempt: number): string {
  const first = attempt === 0 ? idBeforeObject(metadata) : undefined;
  return first ?? objectSandboxId(metadata.uid ?? '', attempt);
}

/** The id that a FAST create chose before its object was written. @returns undefined for any other object */
function idBeforeObject({ name = '', namespace = '', labels, annotations }: ObjectMeta): string | undefined {
  const nanos = annotations?.[CREATE_TIMESTAMP_ANNOTATION] ?? '';
  const isFast = labels?.[CREATED_BY_LABEL] === CREATED_BY_FASTPATH && /^\d{1,20}$/.test(nanos);
  return isFast ? fastSandboxId(name, namespace, BigInt(nanos)) : undefined;
}
