/** Well-known names. Both prefixes are the Go predecessor's: one for API objects, one for Pods and containers. */
export const SANDBOX_FINALIZER = 'sandbox.fast.io/cleanup';
export const CREATED_BY_LABEL = 'sandbox.fast.io/created-by';
export const CREATED_BY_FASTPATH = 'fastpath-fast';
/** JSON {@link Allocation}. */
export const ALLOCATION_ANNOTATION = 'sandbox.fast.io/allocation';
/** Unix nanoseconds, decimal; the FAST sandbox id is derived from it. */
export const CREATE_TIMESTAMP_ANNOTATION = 'sandbox.fast.io/createTimestamp';
/** The caller's request_id, which makes a create idempotent on every replica. */
export const REQUEST_ID_ANNOTATION = 'sandbox.fast.io/request-id';

/** Stages of a FAST create, in order: JSON `[{name, ms}]`, milliseconds. */
export const TIMINGS_ANNOTATION = 'sandbox.fast.io/timings';
/** W3C traceparent of the create call; reconciles continue its trace. */
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
  /** uid of the cluster's kube-system namespace; containers of another installation are never touched */
  installation: 'fast-sandbox.io/installation',
  /** Unix milliseconds of the claim, from which the janitor counts a sandbox's age */
  claimTime: 'fast-sandbox.io/claim-time',
  /** Unix milliseconds at which the end of the sandbox began */
  terminating: 'fast-sandbox.io/terminating',
  /** Unix milliseconds at which its grace period is over */
  terminatingUntil: 'fast-sandbox.io/terminating-until',
  /** `true` on a sandbox that is being ended: its object stays, and so does its log */
  keepLog: 'fast-sandbox.io/keep-log',
  /** sandboxes of one agent with the same value share a shim, and end with it */
  shimGroup: 'fast-sandbox.io/shim-group',
  /** marks a standby container, with the hash of its template; removed once it has a sandbox */
  waiting: 'fast-sandbox.io/waiting',
} as const;

/** The labels that mark the containers of one installation. No container without them is ever removed. */
export function installationLabels(installation: string): Record<string, string> {
  return { [ContainerLabels.managed]: 'true', [ContainerLabels.installation]: installation };
}

export interface Allocation {
  readonly assignedPod: string;
  readonly assignedNode: string;
  /** RFC 3339 */
  readonly allocatedAt: string;
}
