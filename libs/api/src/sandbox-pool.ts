import { type API_VERSION, type Condition, type ObjectMeta, type SandboxResources } from './sandbox';

export const SANDBOX_POOLS = 'sandboxpools';
const DEFAULT_SANDBOXES_PER_POD = 5;

export interface PoolCapacity {
  poolMin?: number;
  /** 0 or absent: unlimited */
  poolMax?: number;
  bufferMin?: number;
  /** free slots kept although nobody asks; absent: bufferMin */
  bufferMax?: number;
}

export interface SandboxPoolSpec {
  capacity?: PoolCapacity;
  maxSandboxesPerPod?: number;
  /** ours: agents above poolMax while a changed agentTemplate rolls; absent: 1 */
  maxSurge?: number;
  runtimeType?: 'container' | 'gvisor';
  /** A PodTemplateSpec; its first container is the agent. */
  agentTemplate?: { metadata?: ObjectMeta; spec?: Record<string, unknown> };
  warmImages?: { image: string; containers: number }[];
  sandboxDefaults?: { resources?: SandboxResources; terminationGracePeriodSeconds?: number };
  imagePullSecrets?: { name: string }[];
  /** beside the installation's; absent: whatever that allows */
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

/** The sandboxes that one agent of the pool takes. Absent and 0 are the default, as in the original. */
export function sandboxesPerAgent({ maxSandboxesPerPod: most = 0 }: SandboxPoolSpec): number {
  return most > 0 ? most : DEFAULT_SANDBOXES_PER_POD;
}

/** The agents that the pool may have. @returns undefined where they are not limited */
export function maxAgents({ capacity: { poolMax = 0 } = {} }: SandboxPoolSpec): number | undefined {
  return poolMax > 0 ? poolMax : undefined;
}
