import { Logger } from '@nestjs/common';
import { type AgentClient } from '@fsb/agent-api/agent-client';
import { type AgentEndpoint } from '@fsb/agent-api/agent-endpoint';
import { isApiError, messageOf } from '@fsb/api/errors';
import { POD_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type AgentPodView, DRAIN_REQUESTED, DRAINING_ANNOTATION } from './agent-pod-view';

/** `busy`: the agent has a sandbox. `unknown`: it did not answer, and may have sandboxes. */
export type RemovalOutcome = 'removed' | 'busy' | 'unknown';

type State = 'idle' | 'busy' | 'unknown';

/**
 * Milliseconds after which an unready agent that does not answer has no sandbox without an object: gateways give up
 * after 10 s, and a sandbox with an object keeps its agent from being idle.
 */
const SILENT_MS = 15_000;

/**
 * Removes an idle agent without racing a create: the agent drains first, then reports whether it is still idle. Only it
 * knows, since a FAST sandbox has no object in its first moments.
 */
export class AgentRemoval {
  private readonly logger = new Logger(AgentRemoval.name);

  constructor(
    private readonly client: KubeClient,
    private readonly agents: AgentClient,
  ) {}

  /**
   * Drains an agent, and deletes its Pod if it is idle.
   * @param retired the agent is outdated: if it is busy, it stays drained
   * @throws ApiError of the API server, or of the agent when it is put back into service
   */
  async remove(namespace: string, pod: AgentPodView, retired: boolean, signal: AbortSignal): Promise<RemovalOutcome> {
    // each mark changes the Pod and triggers another round: an agent known to be busy is not marked
    if (!pod.draining && (await this.state(pod, signal)) === 'busy') return 'busy';
    if (!pod.draining) await this.mark(namespace, pod, DRAIN_REQUESTED, signal);
    const state = await this.drained(pod, signal);
    if (state === 'busy')
      await (retired ? this.markNotified(namespace, pod, signal) : this.keep(namespace, pod, signal));
    if (state === 'busy' || (state === 'unknown' && mayRun(pod))) return state;
    await this.delete(namespace, pod, signal);
    return 'removed';
  }

  /** Drains a busy agent: it keeps its sandboxes and refuses others. @throws ApiError when it does not answer */
  async drain(namespace: string, pod: AgentPodView, signal: AbortSignal): Promise<void> {
    if (!pod.draining) await this.mark(namespace, pod, DRAIN_REQUESTED, signal);
    const agent = endpointOf(pod);
    if (!agent) return; // no address, no sandboxes; it is notified in a later round
    await this.agents.drain(agent, true, signal);
    await this.markNotified(namespace, pod, signal);
  }

  /** Ends an agent's drain. @throws ApiError when it does not answer */
  async keep(namespace: string, pod: AgentPodView, signal: AbortSignal): Promise<void> {
    const agent = endpointOf(pod);
    if (agent) await this.agents.drain(agent, false, signal);
    await this.mark(namespace, pod, null, signal);
  }

  async delete(namespace: string, { name, uid }: AgentPodView, signal: AbortSignal): Promise<void> {
    try {
      await this.client.delete(POD_KIND, { namespace, name }, { uid }, { signal });
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error; // already gone
    }
  }

  private async drained(pod: AgentPodView, signal: AbortSignal): Promise<State> {
    const agent = endpointOf(pod);
    if (!agent) return 'unknown';
    try {
      await this.agents.drain(agent, true, signal);
    } catch (error) {
      return this.unanswered(pod, error);
    }
    return this.state(pod, signal);
  }

  private async state(pod: AgentPodView, signal: AbortSignal): Promise<State> {
    const agent = endpointOf(pod);
    if (!agent) return 'unknown';
    try {
      const { allocated } = await this.agents.status(agent, signal);
      return allocated === 0 ? 'idle' : 'busy';
    } catch (error) {
      return this.unanswered(pod, error);
    }
  }

  private unanswered({ name }: AgentPodView, error: unknown): 'unknown' {
    this.logger.warn({ msg: 'agent to remove does not answer', agent: name, error: messageOf(error) });
    return 'unknown';
  }

  private async markNotified(namespace: string, pod: AgentPodView, signal: AbortSignal): Promise<void> {
    if (!pod.drainNotified) await this.mark(namespace, pod, pod.start, signal);
  }

  private async mark(
    namespace: string,
    { name }: AgentPodView,
    value: string | null,
    signal: AbortSignal,
  ): Promise<void> {
    const patch = { metadata: { annotations: { [DRAINING_ANNOTATION]: value } } };
    try {
      await this.client.patch(POD_KIND, { namespace, name }, patch, { signal });
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error; // no Pod, no mark
    }
  }
}

function endpointOf({ address, uid }: AgentPodView): AgentEndpoint | undefined {
  return address === undefined ? undefined : { address, podUid: uid };
}

function mayRun({ ready, address, readyChangedAt }: AgentPodView): boolean {
  return ready || (address !== undefined && Date.now() - readyChangedAt < SILENT_MS);
}
