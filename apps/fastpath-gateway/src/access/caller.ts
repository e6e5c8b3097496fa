import { type Metadata } from '@grpc/grpc-js';

/** Identity of a caller, in Kubernetes' terms: from a TokenReview or from the subject of a client certificate. */
export interface Caller {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string | undefined;
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Result of authentication and authorization of a call. */
export interface CallerAdmission {
  readonly caller: Caller;
  /** whether the caller is authenticated */
  readonly isKnown: boolean;
  /** whether the caller is authorized, or authorization is off */
  readonly isAdmitted: boolean;
  /** Registers a release function to run when the call ends; absent when the call holds no seat. */
  readonly atEnd?: ((leave: () => void) => void) | undefined;
}

/** An unauthenticated caller; with --insecure-plaintext every caller. */
export const ANONYMOUS: Caller = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** The gateway itself, in its rehearsal. It may only create, and each of its creates is refused for its fields. */
export const REHEARSAL: Caller = { name: 'system:rehearsal', groups: [] };

const UNKNOWN: CallerAdmission = { caller: ANONYMOUS, isKnown: false, isAdmitted: false };

const admissions = new WeakMap<Metadata, CallerAdmission>();

/** @param call metadata of the request: the one object that interceptor, guard and handler all receive */
export function setAdmission(call: Metadata, admission: CallerAdmission): void {
  admissions.set(call, admission);
}

export function admissionOf(call: Metadata | undefined): CallerAdmission {
  return (call && admissions.get(call)) ?? UNKNOWN;
}

export function callerOf(call: Metadata): Caller {
  return admissionOf(call).caller;
}
