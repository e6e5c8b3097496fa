import { type SandboxRequest, type Stage } from '@fsb/agent-api/agent-api';
import { type AgentView } from './agent-directory';

export interface PlacementRequest {
  readonly namespace: string;
  readonly pool: string;
  /** of the Sandbox object */
  readonly name: string;
  readonly ports: readonly number[];
  /** normalised */
  readonly image: string;
  readonly sandbox: SandboxRequest;
  /** of the pool, to say them where it is full */
  readonly limits?: PoolLimits;
  /** when it was asked for, on `performance.now()`: a delete by name after it ends it; absent: deletes by name do not */
  readonly begunAt?: number;
  /** Nobody can find the sandbox without the answer: the agent ends it where all callers leave before. */
  readonly leaveNothing?: boolean;
}

export interface PoolLimits {
  readonly sandboxesPerAgent: number;
  /** undefined: as many as are needed */
  readonly maxAgents: number | undefined;
}

export interface Placement {
  readonly agent: AgentView;
  /** Unix seconds */
  readonly createdAt: number;
  readonly stages: readonly Stage[];
  /** `agentPodIP:port` */
  readonly endpoints: readonly string[];
}
