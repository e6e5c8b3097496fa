import { Logger } from '@nestjs/common';
import { type AgentClient } from '@fsb/agent-api/agent-client';
import { isApiError, messageOf } from '@fsb/api/errors';
import { POD_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type AgentPodView, DRAINING_ANNOTATION } from './agent-pod-view';

/** `busy`: a sandbox came first. `unknown`: a ready agent that does not answer may run anything. */
export type RemovalOutcome = 'removed' | 'busy' | 'unknown';

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

  async remove(namespace: string, pod: AgentPodView, signal: AbortSignal): Promise<RemovalOutcome> {
    await this.mark(namespace, pod, new Date().toISOString(), signal);
    const state = await this.drain(pod, signal);
    if (state === 'busy') {
      await this.keep(namespace, pod, signal);
      return state;
    }
    if (state === 'unknown' && pod.ready) return state;
    await this.delete(namespace, pod, signal);
    return 'removed';
  }

  /** Back into service. */
  async keep(namespace: string, pod: AgentPodView, signal: AbortSignal): Promise<void> {
    if (pod.address !== undefined) await this.agents.drain(pod.address, false, signal);
    await this.mark(namespace, pod, null, signal);
  }

  async delete(namespace: string, { name, uid }: AgentPodView, signal: AbortSignal): Promise<void> {
    try {
      await this.client.delete(POD_KIND, { namespace, name }, { uid }, { signal });
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error; // gone is what was wanted
    }
  }

  private async drain({ address, name }: AgentPodView, signal: AbortSignal): Promise<'idle' | 'busy' | 'unknown'> {
    if (address === undefined) return 'unknown';
    try {
      await this.agents.drain(address, true, signal);
      const { allocated } = await this.agents.status(address, signal);
      return allocated === 0 ? 'idle' : 'busy';
    } catch (error) {
      this.logger.warn({ msg: 'an agent does not answer to drain', agent: name, error: messageOf(error) });
      return 'unknown';
    }
  }

  private async mark(
    namespace: string,
    { name }: AgentPodView,
    since: string | null,
    signal: AbortSignal,
  ): Promise<void> {
    const patch = { metadata: { annotations: { [DRAINING_ANNOTATION]: since } } };
    try {
      await this.client.patch(POD_KIND, { namespace, name }, patch, { signal });
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error; // a Pod that is gone needs no mark
    }
  }
}
