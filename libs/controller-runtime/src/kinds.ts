import { GROUP, type ObjectMeta, type Sandbox, SANDBOXES, VERSION } from '@fsb/api/sandbox';
import { SANDBOX_POOLS, type SandboxPool } from '@fsb/api/sandbox-pool';

/** Any object of the Kubernetes API, as in its JSON: timestamps are RFC 3339 strings. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** Resource of a kind in the API. The type parameter is the shape of its objects. */
export interface Kind<T extends KubeObject = KubeObject> {
  /** empty for the core group */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** never set; carries T */
  readonly object?: T;
}

export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

// The built-in kinds below have only the fields that the suite reads or writes.

export interface ContainerStatus {
  name: string;
  ready?: boolean;
  restartCount?: number;
  state?: {
    waiting?: { reason?: string; message?: string };
    running?: { startedAt?: string };
    terminated?: { exitCode: number; reason?: string; message?: string; finishedAt?: string };
  };
}

export interface PodContainer {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: Record<string, unknown> }[];
  ports?: Record<string, unknown>[];
  volumeMounts?: { name: string; mountPath: string; mountPropagation?: string; readOnly?: boolean }[];
  securityContext?: Record<string, unknown>;
  readinessProbe?: Record<string, unknown>;
  livenessProbe?: Record<string, unknown>;
  [field: string]: unknown;
}

export interface PodSpec {
  nodeName?: string;
  containers: PodContainer[];
  volumes?: { name: string; [source: string]: unknown }[];
  [field: string]: unknown;
}

export interface Pod extends KubeObject {
  spec?: PodSpec;
  status?: {
    phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    podIP?: string;
    hostIP?: string;
    reason?: string;
    message?: string;
    startTime?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string; lastTransitionTime?: string }[];
    containerStatuses?: ContainerStatus[];
  };
}

export interface Node extends KubeObject {
  spec?: { unschedulable?: boolean };
  status?: {
    addresses?: { type: string; address: string }[];
    conditions?: { type: string; status: string; reason?: string }[];
  };
}

export interface Namespace extends KubeObject {
  status?: { phase?: string };
}

export interface Secret extends KubeObject {
  type?: string;
  /** base64 */
  data?: Record<string, string>;
}

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

export interface ResourceQuota extends KubeObject {
  spec?: {
    /** quantities; a whole one may be a number */
    hard?: Record<string, string | number>;
    scopes?: string[];
    scopeSelector?: Record<string, unknown>;
  };
  status?: { hard?: Record<string, string | number>; used?: Record<string, string | number> };
}

export interface ObjectReference {
  apiVersion?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  uid?: string;
}

/** core/v1: what `kubectl describe` shows */
export interface KubeEvent extends KubeObject {
  involvedObject: ObjectReference;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  source?: { component: string; host?: string };
  reportingComponent?: string;
  reportingInstance?: string;
  firstTimestamp?: string;
  lastTimestamp?: string;
  count?: number;
}

export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    leaseTransitions?: number;
    /** RFC 3339 with microseconds */
    acquireTime?: string;
    renewTime?: string;
  };
}

const core = { group: '', version: 'v1' } as const;
const fast = { group: GROUP, version: VERSION, namespaced: true } as const;

export const SANDBOX_KIND: Kind<Sandbox> = { ...fast, plural: SANDBOXES, kind: 'Sandbox' };
export const POOL_KIND: Kind<SandboxPool> = { ...fast, plural: SANDBOX_POOLS, kind: 'SandboxPool' };
export const POD_KIND: Kind<Pod> = { ...core, plural: 'pods', kind: 'Pod', namespaced: true };
export const NODE_KIND: Kind<Node> = { ...core, plural: 'nodes', kind: 'Node', namespaced: false };
export const NAMESPACE_KIND: Kind<Namespace> = { ...core, plural: 'namespaces', kind: 'Namespace', namespaced: false };
export const EVENT_KIND: Kind<KubeEvent> = { ...core, plural: 'events', kind: 'Event', namespaced: true };
export const SECRET_KIND: Kind<Secret> = { ...core, plural: 'secrets', kind: 'Secret', namespaced: true };
export const CONFIG_MAP_KIND: Kind<ConfigMap> = { ...core, plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
export const RESOURCE_QUOTA_KIND: Kind<ResourceQuota> = {
  ...core,
  plural: 'resourcequotas',
  kind: 'ResourceQuota',
  namespaced: true,
};
export const LEASE_KIND: Kind<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

export function apiVersionOf({ group, version }: Kind): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `namespace/name`, or `name` for a cluster-scoped object. */
export function keyOf({ metadata }: KubeObject): string {
  const name = metadata.name ?? '';
  return metadata.namespace === undefined ? name : `${metadata.namespace}/${name}`;
}

/** The parts of a key of {@link keyOf}; the namespace is empty for a cluster-scoped object. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, Math.max(0, slash)), name: key.slice(slash + 1) };
}
