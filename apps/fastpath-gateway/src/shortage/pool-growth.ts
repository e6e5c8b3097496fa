import { maxAgents, type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Informer } from '@fsb/controller-runtime/informer';
import { type AgentDirectory } from '@fsb/placement/agent-directory';

export interface PoolKey {
  readonly namespace: string;
  readonly pool: string;
}

/** Longest value of a label, in characters. A pool with a longer name has no agents. */
const MAX_NAME = 63;

/** Tells whether a pool may have more room soon. */
export class PoolGrowth {
  constructor(
    private readonly pools: Informer<SandboxPool>,
    private readonly directory: Pick<AgentDirectory, 'agentsOf' | 'startingIn'>,
  ) {}

  /** Whether the pool exists and has fewer agents than it may have, draining and terminating ones not counted. */
  mayGrow({ namespace, pool }: PoolKey): boolean {
    const object = this.pools.get(`${namespace}/${pool}`);
    if (!object || pool.length > MAX_NAME) return false;
    const most = maxAgents(object.spec);
    const agents = this.directory.agentsOf(namespace, pool);
    return most === undefined || agents.filter(({ terminating, draining }) => !terminating && !draining).length < most;
  }

  /** Whether the pool may grow, or agents of it are starting. */
  isRoomComing(key: PoolKey): boolean {
    return this.mayGrow(key) || this.directory.startingIn(key.namespace, key.pool) > 0;
  }
}
