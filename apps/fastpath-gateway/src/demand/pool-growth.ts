import { maxAgents, type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Informer } from '@fsb/controller-runtime/informer';
import { type AgentDirectory } from '@fsb/placement/agent-directory';

export interface PoolKey {
  readonly namespace: string;
  readonly pool: string;
}

/** the longest value of a label; pools of longer names have no agents */
const MAX_NAME = 63;

/** Whether a pool may have more room in a while. */
export class PoolGrowth {
  constructor(
    private readonly pools: Informer<SandboxPool>,
    private readonly directory: Pick<AgentDirectory, 'agentsOf' | 'startingIn'>,
  ) {}

  /** A pool that is as large as it may be is not asked for more. */
  mayGrow({ namespace, pool }: PoolKey): boolean {
    const object = this.pools.get(`${namespace}/${pool}`);
    if (!object || pool.length > MAX_NAME) return false;
    const most = maxAgents(object.spec);
    const agents = this.directory.agentsOf(namespace, pool);
    return most === undefined || agents.filter(({ terminating, draining }) => !terminating && !draining).length < most;
  }

  /** It may grow, or agents of it are on their way. */
  isRoomComing(key: PoolKey): boolean {
    return this.mayGrow(key) || this.directory.startingIn(key.namespace, key.pool) > 0;
  }
}
