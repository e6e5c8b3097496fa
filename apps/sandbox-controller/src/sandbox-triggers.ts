import { hasEndedOnAgent } from '@fsb/api/phases';
import { type Sandbox } from '@fsb/api/sandbox';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Informer } from '@fsb/controller-runtime/informer';
import { keyOf, type Pod, type ResourceQuota } from '@fsb/controller-runtime/kinds';
import { type WorkQueue } from '@fsb/controller-runtime/work-queue';
import { type AgentDirectory } from '@fsb/placement/agent-directory';
import { SandboxIndex } from './sandbox-index';
import { type AgentSilence } from './world/agent-silence';
import { type PlacementMemory } from './world/placement-memory';

export interface TriggerSources {
  readonly sandboxes: Informer<Sandbox>;
  readonly pools: Informer<SandboxPool>;
  readonly pods: Informer<Pod>;
  readonly quotas: Informer<ResourceQuota>;
  readonly directory: AgentDirectory;
  readonly memory: PlacementMemory;
  readonly silence: AgentSilence;
}

/** Waiting objects woken by one freed slot. More than one, in case it does not fit the first. */
const WOKEN_AT_ONCE = 8;

/** Enqueues the keys of the objects that an event may concern. */
export function enqueueSandboxesOnChange(sources: TriggerSources, queue: WorkQueue): void {
  const { sandboxes, pools, pods, quotas, directory, memory, silence } = sources;
  const index = new SandboxIndex();
  const addAll = (keys: Iterable<string>): void => {
    for (const key of keys) queue.add(key);
  };
  const wakePoolOf = (agentId: string): void => {
    const agent = directory.agent(agentId);
    if (agent) addAll(memory.wake(`${agent.namespace}/${agent.pool}`, WOKEN_AT_ONCE));
  };
  sandboxes.onChange((key, current, previous) => {
    index.change(key, current, previous);
    queue.add(key);
  });
  pools.onChange((key, current, previous) => {
    // changes of status are frequent and irrelevant here
    if (!current || !previous || current.metadata.generation !== previous.metadata.generation)
      addAll(index.ofPool(key));
    else if (current.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp) addAll(index.ofPool(key));
  });
  quotas.onChange((_key, current, previous) => {
    const { namespace } = (current ?? previous)?.metadata ?? {};
    for (const pool of pools.list(namespace)) addAll(memory.wake(keyOf(pool), WOKEN_AT_ONCE));
  });
  pods.onChange((key, current) => {
    if (!current) silence.clear(key);
    addAll(index.ofAgent(key));
  });
  directory.onAgent((agentId) => {
    const inSync = directory.agent(agentId)?.inSync ?? false;
    if (inSync) silence.clear(agentId);
    else silence.silentMs(agentId, Date.now()); // starts counting
    addAll(index.ofAgent(agentId));
    if (inSync) wakePoolOf(agentId);
  });
  directory.onReport(({ agentId, namespace, name, sandbox }) => {
    if (name !== '') queue.add(`${namespace}/${name}`);
    if (!sandbox || hasEndedOnAgent(sandbox.phase)) wakePoolOf(agentId);
  });
}
