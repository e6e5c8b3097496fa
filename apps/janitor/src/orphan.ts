import { type KubeObject } from '@fsb/controller-runtime/kinds';

/** Every kind of thing that is removed, with the reasons for which it is. */
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
  /** an id, a name or a path: with the kind it tells it from all others of the node */
  readonly name: string;
  readonly reason: OrphanReason;
  readonly why: string;
  /** what its Event is about; absent: the node */
  readonly object?: KubeObject;
}
