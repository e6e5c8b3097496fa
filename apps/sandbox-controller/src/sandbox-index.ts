import { type Sandbox } from '@fsb/api/sandbox';
import { withAllocation } from './plan/identity';

/** Index of Sandbox keys by assigned agent and by pool, so that an event of one enqueues only its own objects. */
export class SandboxIndex {
  private readonly agents = new Map<string, Set<string>>();
  private readonly pools = new Map<string, Set<string>>();

  change(key: string, current: Sandbox | undefined, previous: Sandbox | undefined): void {
    if (previous) {
      take(this.agents, agentOf(previous), key);
      take(this.pools, poolOf(previous), key);
    }
    if (current) {
      put(this.agents, agentOf(current), key);
      put(this.pools, poolOf(current), key);
    }
  }

  ofAgent(agentId: string): Iterable<string> {
    return this.agents.get(agentId) ?? [];
  }

  /** @param pool `namespace/name` */
  ofPool(pool: string): Iterable<string> {
    return this.pools.get(pool) ?? [];
  }
}

function agentOf(sandbox: Sandbox): string | undefined {
  const pod = withAllocation(sandbox).status?.assignedPod;
  return pod ? `${sandbox.metadata.namespace ?? ''}/${pod}` : undefined;
}

function poolOf({ metadata, spec }: Sandbox): string {
  return `${metadata.namespace ?? ''}/${spec.poolRef}`;
}

function put(index: Map<string, Set<string>>, group: string | undefined, key: string): void {
  if (group === undefined) return;
  index.set(group, (index.get(group) ?? new Set<string>()).add(key));
}

function take(index: Map<string, Set<string>>, group: string | undefined, key: string): void {
  if (group === undefined) return;
  index.get(group)?.delete(key);
  if (index.get(group)?.size === 0) index.delete(group);
}
