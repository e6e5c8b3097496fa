import { type SandboxRequest, type Stage } from '@fsb/agent-api/agent-api';
import { type AgentView } from './agent-directory';

export interface PlacementRequest {
  readonly namespace: string;
  readonly pool: string;
  /** name of the Sandbox object */
  readonly name: string;
  readonly ports: readonly number[];
  /** normalised */
  readonly image: string;
  readonly sandbox: SandboxRequest;
  /** of the pool, for the message when it is full */
  readonly limits?: PoolLimits;
  /** time of the request by `performance.now()`; later deletes by name end the create; absent: none does */
  readonly begunAt?: number;
  /** the sandbox cannot be found without the answer; the agent ends it if every caller leaves before */
  readonly leaveNothing?: boolean;
}

export interface PoolLimits {
  readonly sandboxesPerAgent: number;
  /** undefined: unlimited */
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
