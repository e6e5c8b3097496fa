import { type SandboxPhase } from './phases';

export const GROUP = 'sandbox.fast.io';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** The fields of Kubernetes' ObjectMeta that the suite reads and writes. */
export interface ObjectMeta {
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  generateName?: string;
  /** RFC 3339; client-node reads it as a Date, our own client never does */
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
  /** absent: IfNotPresent, for every tag */
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
  /** containers that the object has had before the current one; part of the sandbox id unless 0 */
  attempt?: number;
  /** placements that failed in a row */
  failures?: number;
  /** RFC 3339; the next placement is not tried before */
  retryAt?: string;
  /** recreations in a row by the failure policy; reset after a long run */
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

/** Resource name in paths of the Kubernetes API. */
export const SANDBOXES = 'sandboxes';
