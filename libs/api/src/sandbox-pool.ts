import { type API_VERSION, type Condition, type ObjectMeta, type SandboxResources } from './sandbox';

export const SANDBOX_POOLS = 'sandboxpools';
const DEFAULT_SANDBOXES_PER_POD = 5;

export interface PoolCapacity {
  poolMin?: number;
  /** 0 or absent: unlimited */
  poolMax?: number;
  bufferMin?: number;
  /** most free slots kept without demand; absent: bufferMin */
  bufferMax?: number;
}

export interface SandboxPoolSpec {
  capacity?: PoolCapacity;
  maxSandboxesPerPod?: number;
  /** not in the Go predecessor: agents above poolMax during a rollout of a changed agentTemplate; absent: 1 */
  maxSurge?: number;
  runtimeType?: 'container' | 'gvisor';
  /** a PodTemplateSpec; its first container is the agent */
  agentTemplate?: { metadata?: ObjectMeta; spec?: Record<string, unknown> };
  warmImages?: { image: string; containers: number }[];
  sandboxDefaults?: { resources?: SandboxResources; terminationGracePeriodSeconds?: number };
  imagePullSecrets?: { name: string }[];
  /** an image must be allowed by this list and by the installation's; absent: only by the latter */
  allowedRegistries?: string[];
}

export interface SandboxPoolStatus {
  observedGeneration?: number;
  currentPods?: number;
  readyPods?: number;
  totalAgents?: number;
  idleAgents?: number;
  busyAgents?: number;
  conditions?: Condition[];
}

export interface SandboxPool {
  apiVersion: typeof API_VERSION;
  kind: 'SandboxPool';
  metadata: ObjectMeta;
  spec: SandboxPoolSpec;
  status?: SandboxPoolStatus;
}

/** The slots of one agent of the pool. Absent and 0 give the default of 5, as in the Go predecessor. */
export function sandboxesPerAgent({ maxSandboxesPerPod: most = 0 }: SandboxPoolSpec): number {
  return most > 0 ? most : DEFAULT_SANDBOXES_PER_POD;
}

/** Upper bound of the pool's agents. @returns undefined where it is unlimited */
export function maxAgents({ capacity: { poolMax = 0 } = {} }: SandboxPoolSpec): number | undefined {
  return poolMax > 0 ? poolMax : undefined;
}
