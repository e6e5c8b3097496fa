import { type Metadata } from '@grpc/grpc-js';

/** Who calls, as Kubernetes says it: of a TokenReview, or of a client certificate's subject. */
export interface Caller {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string | undefined;
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** What the guard has found out about a call. */
export interface Admission {
  readonly caller: Caller;
  /** whether the caller has shown who it is */
  readonly isKnown: boolean;
  /** whether it may do what it asks for, or nobody is asked */
  readonly isAdmitted: boolean;
  /** Takes what is to be given back when the call ends; absent where nothing is counted. */
  readonly atEnd?: ((leave: () => void) => void) | undefined;
}

/** Who has not shown who it is: anybody, with --insecure-plaintext. */
export const ANONYMOUS: Caller = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** The gateway itself, in its rehearsal; it may ask for nothing but a create, which is refused for its fields. */
export const REHEARSAL: Caller = { name: 'system:rehearsal', groups: [] };

const UNKNOWN: Admission = { caller: ANONYMOUS, isKnown: false, isAdmitted: false };

const admissions = new WeakMap<Metadata, Admission>();

/** @param call the metadata of its request: the one object that interceptor, guard and handler are all given */
export function setAdmission(call: Metadata, admission: Admission): void {
  admissions.set(call, admission);
}

export function admissionOf(call: Metadata | undefined): Admission {
  return (call && admissions.get(call)) ?? UNKNOWN;
}

export function callerOf(call: Metadata): Caller {
  return admissionOf(call).caller;
}
