import { type KubeObject } from '@fsb/controller-runtime/kinds';

/** Every kind of orphan, with the possible reasons for its removal. */
export const REASONS = {
  container: ['AgentPodGone', 'SandboxNotFound', 'ClaimUidDiffers', 'StaleAttempt', 'NameTaken'],
  task: ['NoContainer'],
  snapshot: ['NoContainer'],
  log: ['NoContainer'],
  folder: ['NoContainer'],
  fifo: ['NoContainer'],
  'pod-log': ['AgentPodGone'],
  'fifo-stock': ['AgentPodGone'],
  'network-namespace': ['AgentPodGone'],
  address: ['AgentPodGone'],
  link: ['NoNetworkNamespace'],
  cgroup: ['AgentPodGone'],
} as const;

export type OrphanKind = keyof typeof REASONS;
export type OrphanReason = (typeof REASONS)[OrphanKind][number];

export interface Orphan {
  readonly kind: OrphanKind;
  /** an id, a name or a path; unique on the node together with `kind` */
  readonly name: string;
  readonly reason: OrphanReason;
  /** clause for logs and Events, e.g. "its Pod is gone" */
  readonly why: string;
  /** object of its Event; absent: the node */
  readonly object?: KubeObject;
}
