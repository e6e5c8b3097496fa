import { type AgentClient } from '@fsb/agent-api/agent-client';
import { isApiError, messageOf } from '@fsb/api/errors';
import { API_VERSION, type Sandbox } from '@fsb/api/sandbox';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { SANDBOX_KIND, splitKey } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type AgentDirectory } from '@fsb/placement/agent-directory';
import { runningStatus, sandboxObject } from '@fsb/placement/sandbox-object';
import { type TemplateVerifier } from '@fsb/placement/vouched-template';
import { type OrphanAction } from '../plan/orphan-plan';
import { type ClaimedContainer } from '../plan/world';
import { type PlacementQuota } from '../world/placement-quota';
import { adoptableTemplate } from './adoptable-template';

export interface OrphanParts {
  readonly client: KubeClient;
  readonly agents: AgentClient;
  readonly directory: AgentDirectory;
  readonly events: EventRecorder;
  readonly verifier: TemplateVerifier;
  readonly quota: PlacementQuota;
}

/** Adopts containers without an object, or ends them. */
export class OrphanActions {
  constructor(private readonly parts: OrphanParts) {}

  /** @param key `namespace/name` of the missing object @throws ApiError of the API server or the agent */
  async apply(key: string, action: OrphanAction, signal: AbortSignal): Promise<void> {
    if (action.type === 'adopt') await this.adopt(key, action.container, signal);
    else await this.end(key, action.container, action, signal);
  }

  private async adopt(key: string, container: ClaimedContainer, signal: AbortSignal): Promise<void> {
    const { sandbox, podName, podIP, nodeName } = container;
    const template = adoptableTemplate(this.parts.verifier, splitKey(key), sandbox);
    if (!template) return; // not planned: only containers with a template are adopted
    const tooMuch = this.parts.quota.adoptionRefusal(key, template.spec.resources ?? {});
    if (tooMuch !== undefined) {
      await this.end(key, container, { reason: 'QuotaExceeded', message: tooMuch }, signal);
      return;
    }
    const agent = { name: podName, nodeName, address: podIP };
    const object = sandboxObject({ ...splitKey(key), template, agent, createdAt: sandbox.createdAt });
    try {
      const created = await this.parts.client.create(SANDBOX_KIND, object, { signal });
      // the status names the id at once: otherwise the object would compute another id and miss its container
      const status = runningStatus({ agent, sandbox, ports: template.spec.exposedPorts ?? [] });
      await this.parts.client.updateStatus(SANDBOX_KIND, { ...created, status }, { signal });
      this.parts.events.record(created, 'Normal', 'Adopted', `container ${sandbox.sandboxId} had no object yet`);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await this.end(key, container, { reason: 'ObjectRefused', message: messageOf(error) }, signal);
    }
  }

  private async end(
    key: string,
    { agentId, sandbox, podName }: ClaimedContainer,
    { reason, message }: { reason: string; message: string },
    signal: AbortSignal,
  ): Promise<void> {
    const agent = this.parts.directory.agent(agentId);
    if (!agent) return;
    await this.parts.agents.delete(agent, sandbox.sandboxId, signal);
    const about: Pick<Sandbox, 'apiVersion' | 'kind' | 'metadata'> = {
      ...{ apiVersion: API_VERSION, kind: 'Sandbox' },
      metadata: splitKey(key),
    };
    const what = `container ${sandbox.sandboxId} on agent ${podName} is ended: ${message}`;
    this.parts.events.record(about, 'Warning', reason, what);
  }
}

/** Whether the API server rejects the object for good: schema, webhook, quota, or a missing namespace. */
function isRefusal(error: unknown): boolean {
  const codes = ['invalid_argument', 'permission_denied', 'failed_precondition', 'not_found'] as const;
  return codes.some((code) => isApiError(error, code));
}
