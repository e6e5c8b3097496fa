/** Who calls, as Kubernetes says it: of a TokenReview, or of a client certificate's subject. */
export interface Caller {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string | undefined;
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Where nobody is asked who they are: --insecure-plaintext. */
export const ANONYMOUS: Caller = { name: 'system:anonymous', groups: [] };

/** The gateway itself, in its rehearsal; it may ask for nothing but a create, which is refused for its fields. */
export const REHEARSAL: Caller = { name: 'system:rehearsal', groups: [] };

const callers = new WeakMap<object, Caller>();

/** @param call of gRPC: what guard, interceptor and handler are all given */
export function setCaller(call: object, caller: Caller): void {
  callers.set(call, caller);
}

export function callerOf(call: object): Caller {
  return callers.get(call) ?? ANONYMOUS;
}
