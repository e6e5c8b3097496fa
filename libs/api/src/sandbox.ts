import { type SandboxPhase } from './phases';

export const GROUP = 'sandbox.fast.io';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** The part of Kubernetes' ObjectMeta that the suite reads and writes. */
export interface ObjectMeta {
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  generateName?: string;
  /** RFC 3339; a Date after client-node has read it, never after our own reads */
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: {
    apiVersion: string;
    kind: string;
    name: string;
    uid: string;
    controller?: boolean;
    blockOwnerDeletion?: boolean;
  }[];
}

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  /** RFC 3339 */
  lastTransitionTime: string;
  observedGeneration?: number;
}

/** Kubernetes quantities, as in `500m`, `64Mi`. */
export interface SandboxResources {
  cpu?: string;
  memory?: string;
  pids?: string;
  'ephemeral-storage'?: string;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    secretKeyRef?: { name: string; key: string; optional?: boolean };
    configMapKeyRef?: { name: string; key: string; optional?: boolean };
  };
}

export const IMAGE_PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'] as const;
export type ImagePullPolicy = (typeof IMAGE_PULL_POLICIES)[number];

export interface SandboxSpec {
  image: string;
  poolRef: string;
  command?: string[];
  args?: string[];
  envs?: EnvVar[];
  workingDir?: string;
  exposedPorts?: number[];
  consistencyMode?: 'fast' | 'strong';
  failurePolicy?: 'Manual' | 'AutoRecreate';
  recoveryTimeoutSeconds?: number;
  /** RFC 3339 */
  expireTime?: string;
  /** RFC 3339 */
  resetRevision?: string;
  resources?: SandboxResources;
  ttlSecondsAfterFinished?: number;
  /** seconds between SIGTERM and SIGKILL; absent: the pool's, else 10 */
  terminationGracePeriodSeconds?: number;
  imagePullSecrets?: { name: string }[];
  /** absent: IfNotPresent, whatever the tag */
  imagePullPolicy?: ImagePullPolicy;
}

export interface SandboxStatus {
  phase?: SandboxPhase;
  assignedPod?: string;
  nodeName?: string;
  sandboxID?: string;
  endpoints?: string[];
  acceptedResetRevision?: string;
  conditions?: Condition[];
  observedGeneration?: number;
  exitCode?: number;
  reason?: string;
  message?: string;
  /** How many containers this object has had before the current one; part of the sandbox id from the second on. */
  attempt?: number;
  /** How many tries in a row to give it a container have failed. */
  failures?: number;
  /** RFC 3339: not before then is the next try. */
  retryAt?: string;
  /** How often in a row its failure policy has made it anew; a long run ends the row. */
  recreations?: number;
  /** RFC 3339 */
  finishedAt?: string;
}

export interface Sandbox {
  apiVersion: typeof API_VERSION;
  kind: 'Sandbox';
  metadata: ObjectMeta;
  spec: SandboxSpec;
  status?: SandboxStatus;
}

/** Kubernetes' resource path segment. */
export const SANDBOXES = 'sandboxes';
