import { Logger } from '@nestjs/common';
import { type AgentClient } from '@fsb/agent-api/agent-client';
import { type AgentEndpoint } from '@fsb/agent-api/agent-endpoint';
import { isApiError, messageOf } from '@fsb/api/errors';
import { POD_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type AgentPodView, ASKED, DRAINING_ANNOTATION } from './agent-pod-view';

/** `busy`: a sandbox came first. `unknown`: an agent that does not answer may run anything. */
export type RemovalOutcome = 'removed' | 'busy' | 'unknown';

type State = 'idle' | 'busy' | 'unknown';

/**
 * An agent that has been silent and not ready for so long has no sandbox without an object any more: gateways give up
 * after ten seconds, and what has an object is not idle.
 */
const SILENT_MS = 15_000;

/**
 * Takes an idle agent away without racing a create: the agent refuses new sandboxes first, then says whether it is
 * still idle. Only it knows: a FAST sandbox has no object in its first moments.
 */
export class AgentRemoval {
  private readonly logger = new Logger(AgentRemoval.name);

  constructor(
    private readonly client: KubeClient,
    private readonly agents: AgentClient,
  ) {}

  /** @param retired an outdated agent stays drained where it turns out to be busy */
  async remove(namespace: string, pod: AgentPodView, retired: boolean, signal: AbortSignal): Promise<RemovalOutcome> {
    // each mark is a change of the Pod, and brings the next round: one that is seen to be busy is left alone
    if (!pod.draining && (await this.state(pod, signal)) === 'busy') return 'busy';
    if (!pod.draining) await this.mark(namespace, pod, ASKED, signal);
    const state = await this.drained(pod, signal);
    if (state === 'busy') await (retired ? this.told(namespace, pod, signal) : this.keep(namespace, pod, signal));
    if (state === 'busy' || (state === 'unknown' && mayRun(pod))) return state;
    await this.delete(namespace, pod, signal);
    return 'removed';
  }

  /** Busy as it is, it takes no more sandboxes. */
  async drain(namespace: string, pod: AgentPodView, signal: AbortSignal): Promise<void> {
    if (!pod.draining) await this.mark(namespace, pod, ASKED, signal);
    const agent = endpointOf(pod);
    if (!agent) return; // it takes none as it is; once it is there it is told
    await this.agents.drain(agent, true, signal);
    await this.told(namespace, pod, signal);
  }

  /** Back into service. */
  async keep(namespace: string, pod: AgentPodView, signal: AbortSignal): Promise<void> {
    const agent = endpointOf(pod);
    if (agent) await this.agents.drain(agent, false, signal);
    await this.mark(namespace, pod, null, signal);
  }

  async delete(namespace: string, { name, uid }: AgentPodView, signal: AbortSignal): Promise<void> {
    try {
      await this.client.delete(POD_KIND, { namespace, name }, { uid }, { signal });
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error; // gone is what was wanted
    }
  }

  private async drained(pod: AgentPodView, signal: AbortSignal): Promise<State> {
    const agent = endpointOf(pod);
    if (!agent) return 'unknown';
    try {
      await this.agents.drain(agent, true, signal);
    } catch (error) {
      return this.silent(pod, error);
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
      return this.silent(pod, error);
    }
  }

  private silent({ name }: AgentPodView, error: unknown): 'unknown' {
    this.logger.warn({ msg: 'an agent that is to go does not answer', agent: name, error: messageOf(error) });
    return 'unknown';
  }

  private async told(namespace: string, pod: AgentPodView, signal: AbortSignal): Promise<void> {
    if (!pod.told) await this.mark(namespace, pod, pod.start, signal);
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
      if (!isApiError(error, 'not_found')) throw error; // a Pod that is gone needs no mark
    }
  }
}

function endpointOf({ address, uid }: AgentPodView): AgentEndpoint | undefined {
  return address === undefined ? undefined : { address, podUid: uid };
}

function mayRun({ ready, address, readyChangedAt }: AgentPodView): boolean {
  return ready || (address !== undefined && Date.now() - readyChangedAt < SILENT_MS);
}
