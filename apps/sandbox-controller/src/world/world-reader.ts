import { type AgentClient } from '@fsb/agent-api/agent-client';
import { isApiError } from '@fsb/api/errors';
import { normaliseImage } from '@fsb/api/image-name';
import { type Sandbox, type SandboxResources } from '@fsb/api/sandbox';
import { currentSandboxId } from '@fsb/api/sandbox-id';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Informer } from '@fsb/controller-runtime/informer';
import { type Kind, type KubeObject, type Pod, POD_KIND, POOL_KIND, splitKey } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type AgentDirectory } from '@fsb/placement/agent-directory';
import { type CreateCalls } from '../apply/create-calls';
import { withAllocation } from '../plan/identity';
import { silence } from '../plan/silence';
import {
  type AssignedAgent,
  type PlacementCandidate,
  type ClaimedContainer,
  type CreateCall,
  type Report,
  type World,
} from '../plan/world';
import { type AgentSilence } from './agent-silence';
import { type PlacementQuota } from './placement-quota';
import { type PlacementMemory } from './placement-memory';
import { type SandboxInputs } from './sandbox-inputs';

export interface WorldParts {
  readonly client: KubeClient;
  readonly agents: AgentClient;
  readonly directory: AgentDirectory;
  readonly pods: Informer<Pod>;
  readonly pools: Informer<SandboxPool>;
  readonly calls: CreateCalls;
  readonly memory: PlacementMemory;
  readonly silence: AgentSilence;
  readonly inputs: SandboxInputs;
  readonly quota: PlacementQuota;
  readonly orphanTimeoutMs: number;
  readonly actingSince: () => number;
}

/** Reads all that a plan needs. What a cache lacks is read live: only a definite "not found" counts as absent. */
export class WorldReader {
  constructor(private readonly parts: WorldParts) {}

  /** @throws ApiError when the API server does not answer */
  async read(object: Sandbox, signal: AbortSignal): Promise<World> {
    const { calls, memory, orphanTimeoutMs, actingSince } = this.parts;
    const sandbox = withAllocation(object);
    const { namespace = '', name = '' } = object.metadata;
    const key = `${namespace}/${name}`;
    const pod = sandbox.status?.assignedPod;
    const sandboxId = currentSandboxId(sandbox);
    // read before the agent is asked: a call that ends meanwhile must not seem to have had no effect
    const call = calls.of(key, sandboxId);
    const agent = pod ? await this.agent(sandbox, `${namespace}/${pod}`, signal) : undefined;
    const pool = await this.pool(sandbox, agent, signal);
    const report = agent ? await this.report(agent, sandboxId, signal) : { state: 'unknown' as const };
    const inputs = this.mayBePlaced(sandbox, call, report)
      ? await this.parts.inputs.resolve(sandbox, pool, signal)
      : undefined;
    return {
      now: Date.now(),
      pool: stateOf(pool),
      ...{ agent, report, call, inputs, orphanTimeoutMs, actingSince: actingSince() },
      claimed: this.claimed(namespace, name, agent, report),
      candidate: inputs?.state === 'resolved' && !pod ? this.candidate(key, sandbox, inputs.resources) : undefined,
      notBefore: memory.notBefore(key),
    };
  }

  /** Containers that claim a name, as reported by agents in sync. */
  claimants(namespace: string, name: string): ClaimedContainer[] {
    return this.parts.directory
      .findByName(namespace, name)
      .filter(({ agent }) => agent.inSync)
      .map(({ agent: { id, name: podName, address, nodeName }, sandbox }) => {
        return { agentId: id, podName, podIP: address, nodeName, sandbox };
      });
  }

  /** A placed sandbox belongs to its agent's pool, even if its poolRef is changed. */
  private pool(
    { metadata: { namespace = '' }, spec }: Sandbox,
    agent: AssignedAgent | undefined,
    signal: AbortSignal,
  ): Promise<SandboxPool | undefined> {
    const placedIn = agent && this.parts.directory.agent(agent.id)?.pool;
    return this.live(POOL_KIND, this.parts.pools, `${namespace}/${placedIn ?? spec.poolRef}`, signal);
  }

  private claimed(
    namespace: string,
    name: string,
    agent: AssignedAgent | undefined,
    report: Report,
  ): ClaimedContainer[] {
    const claimants = this.claimants(namespace, name);
    const id = report.state === 'known' ? report.sandbox.sandboxId : undefined;
    if (!agent || report.state !== 'known' || claimants.some(({ sandbox }) => sandbox.sandboxId === id))
      return claimants;
    const view = this.parts.directory.agent(agent.id);
    if (!view) return claimants;
    const asked = { agentId: agent.id, podName: view.name, podIP: agent.podIP, nodeName: view.nodeName };
    return [...claimants, { ...asked, sandbox: report.sandbox }];
  }

  private mayBePlaced({ metadata, status }: Sandbox, call: CreateCall | undefined, report: Report): boolean {
    const { phase = 'Pending' } = status ?? {};
    if (metadata.deletionTimestamp !== undefined) return false;
    return phase === 'Pending' || (phase === 'Bound' && call?.state !== 'in_flight' && report.state === 'absent');
  }

  private async agent(sandbox: Sandbox, id: string, signal: AbortSignal): Promise<AssignedAgent> {
    const { directory, pods, silence: agentSilence } = this.parts;
    const pod = await this.live(POD_KIND, pods, id, signal);
    const view = directory.agent(id);
    const { phase, podIP = '', conditions = [] } = pod?.status ?? {};
    const podReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
    const known = { id, podIP: view?.address ?? podIP, podReady };
    if (!pod || phase === 'Failed' || phase === 'Succeeded') {
      agentSilence.clear(id);
      return { ...known, presence: 'gone', silentMs: 0 };
    }
    if (!view?.inSync) {
      const now = Date.now();
      return { ...known, presence: 'silent', silentMs: silence(sandbox, agentSilence.silentMs(id, now), now) };
    }
    agentSilence.clear(id);
    return { ...known, presence: 'in_sync', silentMs: 0 };
  }

  private async report(agent: AssignedAgent, sandboxId: string, signal: AbortSignal): Promise<Report> {
    if (agent.presence !== 'in_sync') return { state: 'unknown' };
    const reported = this.parts.directory.report(agent.id, sandboxId);
    if (reported) return { state: 'known', sandbox: reported };
    const view = this.parts.directory.agent(agent.id);
    if (!view) return { state: 'unknown' };
    try {
      // asked live: the stream may be some events behind
      const { agentUid, sandboxStatuses } = await this.parts.agents.status(view, signal);
      if (agentUid !== undefined && agentUid !== view.podUid) return { state: 'unknown' };
      const asked = sandboxStatuses.find((sandbox) => sandbox.sandboxId === sandboxId);
      return asked ? { state: 'known', sandbox: asked } : { state: 'absent' };
    } catch {
      return { state: 'unknown' }; // no failure is an answer
    }
  }

  private candidate(
    key: string,
    { metadata: { namespace = '' }, spec }: Sandbox,
    resources: SandboxResources,
  ): PlacementCandidate {
    const { directory, memory, quota } = this.parts;
    const { poolRef: pool, exposedPorts: ports = [] } = spec;
    const image = normaliseImage(spec.image); // valid: the inputs were resolved
    const agentId = directory.registry.choose({ namespace, pool, image, ports, exclude: memory.excluded(key) });
    const chosen = agentId === undefined ? undefined : directory.agent(agentId);
    if (chosen) {
      const tooMuch = quota.refusal(key, resources);
      if (tooMuch !== undefined) return { state: 'none', reason: 'QuotaExceeded', message: tooMuch };
      return { state: 'found', agentId: chosen.id, podName: chosen.name, nodeName: chosen.nodeName };
    }
    const present = directory.agentsOf(namespace, pool).filter(({ inSync }) => inSync).length;
    if (present === 0) {
      return { state: 'none', reason: 'NoAgent', message: `pool ${pool} has no agent that answers yet` };
    }
    const message = `none of the ${present} agents of pool ${pool} takes it: full, draining, or a port of it is in use`;
    return { state: 'none', reason: 'InsufficientCapacity', message };
  }

  private async live<T extends KubeObject>(
    kind: Kind<T>,
    cache: Informer<T>,
    key: string,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const cached = cache.get(key);
    if (cached) return cached;
    try {
      return await this.parts.client.get(kind, splitKey(key), { signal });
    } catch (error) {
      if (isApiError(error, 'not_found')) return undefined;
      throw error;
    }
  }
}

function stateOf(pool: SandboxPool | undefined): World['pool'] {
  if (!pool) return 'absent';
  return pool.metadata.deletionTimestamp === undefined ? 'present' : 'deleting';
}
