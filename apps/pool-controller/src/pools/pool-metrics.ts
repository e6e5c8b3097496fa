import { type SandboxPool, type SandboxPoolStatus } from '@fsb/api/sandbox-pool';
import { Gauge, type Registry } from 'prom-client';
import { type PoolWorld } from './pool-agents';

const STATES = ['desired', 'current', 'ready', 'idle', 'busy'] as const;
const KINDS = ['active', 'pending', 'unmet'] as const;

/** Gauges of pools, set by the leading replica. A deleted pool's series are removed. */
export class PoolMetrics {
  private readonly agents;
  private readonly slots;

  constructor(registry: Registry) {
    const registers = [registry];
    this.agents = new Gauge({
      name: 'fast_sandbox_pool_agents',
      help: 'Agents of a pool by state; desired: as many as its demand needs',
      labelNames: ['namespace', 'pool', 'state'],
      registers,
    });
    this.slots = new Gauge({
      name: 'fast_sandbox_pool_demand_slots',
      help: 'Demand of a pool in slots: active sandboxes, pending sandboxes, unmet (refused) creates',
      labelNames: ['namespace', 'pool', 'kind'],
      registers,
    });
  }

  observe(pool: SandboxPool, { demand, unmet }: PoolWorld, desired: number, status: SandboxPoolStatus): void {
    const { namespace = '', name = '' } = pool.metadata;
    const { currentPods = 0, readyPods = 0, idleAgents = 0, busyAgents = 0 } = status;
    const agents = { desired, current: currentPods, ready: readyPods, idle: idleAgents, busy: busyAgents };
    for (const state of STATES) this.agents.set({ namespace, pool: name, state }, agents[state]);
    const slots = { active: demand.active, pending: demand.pending, unmet };
    for (const kind of KINDS) this.slots.set({ namespace, pool: name, kind }, slots[kind]);
  }

  forget(namespace: string, pool: string): void {
    for (const state of STATES) this.agents.remove({ namespace, pool, state });
    for (const kind of KINDS) this.slots.remove({ namespace, pool, kind });
  }
}
