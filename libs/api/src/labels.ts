/** Well-known names. Two prefixes, both the original's: one for API objects, one for Pods and containers. */
export const SANDBOX_FINALIZER = 'sandbox.fast.io/cleanup';
export const CREATED_BY_LABEL = 'sandbox.fast.io/created-by';
export const CREATED_BY_FASTPATH = 'fastpath-fast';
/** JSON {@link Allocation}. */
export const ALLOCATION_ANNOTATION = 'sandbox.fast.io/allocation';
/** Decimal Unix nanoseconds: what the FAST sandbox id was derived from. */
export const CREATE_TIMESTAMP_ANNOTATION = 'sandbox.fast.io/createTimestamp';
/** The caller's request_id: the same one, on any replica, gives the same answer. */
export const REQUEST_ID_ANNOTATION = 'sandbox.fast.io/request-id';

/** JSON `[{name, ms}]`: the stages of a FAST create, in their order, milliseconds. */
export const TIMINGS_ANNOTATION = 'sandbox.fast.io/timings';
/** W3C's traceparent of the call that asked for the sandbox: reconciles go on with its trace. */
export const TRACEPARENT_ANNOTATION = 'sandbox.fast.io/traceparent';

export const AGENT_APP_LABEL = 'app';
export const AGENT_APP = 'sandbox-agent';
export const POOL_LABEL = 'fast-sandbox.io/pool';

/** Labels of containers in containerd's namespace `k8s.io`. */
export const ContainerLabels = {
  managed: 'fast-sandbox.io/managed',
  agentName: 'fast-sandbox.io/agent-name',
  agentUid: 'fast-sandbox.io/agent-uid',
  namespace: 'fast-sandbox.io/namespace',
  id: 'fast-sandbox.io/id',
  claimUid: 'fast-sandbox.io/claim-uid',
  sandboxName: 'fast-sandbox.io/sandbox-name',
  /** uid of the cluster's kube-system namespace: nobody touches another installation's containers. */
  installation: 'fast-sandbox.io/installation',
  /** Unix milliseconds of the claim: the janitor counts a sandbox's age from here. */
  claimTime: 'fast-sandbox.io/claim-time',
  /** Unix milliseconds since when the sandbox is being ended. */
  terminating: 'fast-sandbox.io/terminating',
  /** when its grace period is over, in milliseconds since the epoch */
  terminatingUntil: 'fast-sandbox.io/terminating-until',
  /** `true`: the object stays, and the log of the sandbox that is being ended with it. */
  keepLog: 'fast-sandbox.io/keep-log',
  /** Sandboxes of one agent with the same value share a shim, and end with it. */
  shimGroup: 'fast-sandbox.io/shim-group',
  /** A container that waits for its sandbox, and what it is made of; gone when it has one. */
  waiting: 'fast-sandbox.io/waiting',
} as const;

/** The labels of every container of an installation, and of no other: nothing without them is ever removed. */
export function installationLabels(installation: string): Record<string, string> {
  return { [ContainerLabels.managed]: 'true', [ContainerLabels.installation]: installation };
}

export interface Allocation {
  readonly assignedPod: string;
  readonly assignedNode: string;
  /** RFC 3339 */
  readonly allocatedAt: string;
}
