import { type AgentClient } from '@fsb/agent-api/agent-client';
import { ApiError, isApiError } from '@fsb/api/errors';
import { ALLOCATION_ANNOTATION, SANDBOX_FINALIZER } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type AgentDirectory } from '@fsb/placement/agent-directory';
import { type Action } from '../plan/action';
import { type PlacementMemory } from '../world/placement-memory';
import { type PlacementQuota } from '../world/placement-quota';
import { type CreateCalls } from './create-calls';
import { agentCreateRequest } from './create-request';

export interface ActionParts {
  readonly client: KubeClient;
  readonly agents: AgentClient;
  readonly directory: AgentDirectory;
  readonly calls: CreateCalls;
  readonly memory: PlacementMemory;
  readonly events: EventRecorder;
  readonly quota: PlacementQuota;
}

/** Carries out a plan's actions in order, up to the first failure. */
export class SandboxActions {
  constructor(private readonly parts: ActionParts) {}

  /** @throws ApiError the first failure; what was done before stays done */
  async apply(object: Sandbox, actions: readonly Action[], signal: AbortSignal): Promise<void> {
    const work = new Work(this.parts, object, signal);
    try {
      for (const action of actions) await work.do(action);
    } catch (error) {
      work.undo();
      throw error;
    }
  }
}

/** One pass over an object. Each write replaces `object` by the written version. */
class Work {
  private readonly key: { namespace: string; name: string };
  private readonly queueKey: string;
  private readonly reserved: { agentId: string; sandboxId: string }[] = [];

  constructor(
    private readonly parts: ActionParts,
    private object: Sandbox,
    private readonly signal: AbortSignal,
  ) {
    const { namespace = '', name = '' } = object.metadata;
    this.key = { namespace, name };
    this.queueKey = `${namespace}/${name}`;
  }

  async do(action: Action): Promise<void> {
    switch (action.type) {
      case 'add_finalizer':
        return this.setFinalizers([...(this.object.metadata.finalizers ?? []), SANDBOX_FINALIZER]);
      case 'remove_finalizer':
        return this.setFinalizers((this.object.metadata.finalizers ?? []).filter((name) => name !== SANDBOX_FINALIZER));
      case 'delete_object':
        return this.deleteObject();
      case 'remove_allocation':
        return this.patch({ metadata: { annotations: { [ALLOCATION_ANNOTATION]: null } } });
      case 'set_status':
        return this.setStatus({ ...this.object, status: action.status });
      case 'bind':
        return this.bind(action.agentId, action.sandboxId);
      case 'delete_container':
        return this.deleteContainer(action);
      default:
        this.note(action);
    }
  }

  /** Releases the slots and the quota for which no agent was asked. */
  undo(): void {
    const { directory, quota } = this.parts;
    for (const { agentId, sandboxId } of this.reserved) {
      directory.registry.release(agentId, sandboxId);
      quota.release(this.queueKey);
    }
  }

  private note(action: Exclude<Action, { type: AsyncAction }>): void {
    const { calls, memory, events } = this.parts;
    switch (action.type) {
      case 'reserve':
        this.reserve(action);
        break;
      case 'start_create':
        this.startCreate(action);
        break;
      case 'forget_call':
        calls.forget(this.queueKey);
        break;
      case 'exclude_agent':
        memory.exclude(this.queueKey, action.agentId);
        break;
      case 'back_off': {
        const pool = `${this.key.namespace}/${this.object.spec.poolRef}`;
        memory.backOff(this.queueKey, Date.now(), action.for === 'agent' ? pool : undefined);
        break;
      }
      case 'forget':
        memory.drop(this.queueKey);
        break;
      case 'event':
        events.record(this.object, action.level, action.reason, action.message);
        break;
    }
  }

  private reserve({ agentId, sandboxId, resources }: Extract<Action, { type: 'reserve' }>): void {
    const { exposedPorts = [] } = this.object.spec;
    const entry = { sandboxId, ...this.key, ports: exposedPorts };
    if (!this.parts.directory.registry.reserve(agentId, entry)) {
      throw new ApiError('aborted', `agent ${agentId} has no slot left`);
    }
    this.reserved.push({ agentId, sandboxId });
    const tooMuch = this.parts.quota.keepRoom(this.queueKey, resources);
    if (tooMuch !== undefined) throw new ApiError('aborted', tooMuch); // taken since the plan was made
  }

  private startCreate({ agentId, sandboxId, inputs, fresh }: Extract<Action, { type: 'start_create' }>): void {
    const agent = this.parts.directory.agent(agentId);
    if (!agent) throw new ApiError('aborted', `agent ${agentId} is gone`);
    const request = agentCreateRequest(this.object, sandboxId, inputs);
    this.parts.calls.start({ key: this.queueKey, agent, fresh, request });
    this.reserved.length = 0; // owned by the call from here on
  }

  private async bind(agentId: string, sandboxId: string): Promise<void> {
    const agent = this.parts.directory.agent(agentId);
    if (!agent) return; // planned again at its next report
    await this.parts.agents.bind(agent, { sandboxId, claimUid: this.object.metadata.uid ?? '' }, this.signal);
  }

  private async deleteContainer(action: Extract<Action, { type: 'delete_container' }>): Promise<void> {
    const { agentId, sandboxId, keepLog } = action;
    const agent = this.parts.directory.agent(agentId);
    const how = keepLog ? { keepLog } : {};
    if (agent) await this.parts.agents.delete(agent, sandboxId, this.signal, how);
  }

  private async setStatus(object: Sandbox): Promise<void> {
    this.object = await this.parts.client.updateStatus(SANDBOX_KIND, object, { signal: this.signal });
  }

  /** Sends the resourceVersion, so that another controller's finalizer is not lost. */
  private async setFinalizers(finalizers: string[]): Promise<void> {
    const { resourceVersion } = this.object.metadata;
    await this.patch({ metadata: { finalizers, ...(resourceVersion === undefined ? {} : { resourceVersion }) } });
  }

  private async patch(change: object): Promise<void> {
    try {
      this.object = await this.parts.client.patch(SANDBOX_KIND, this.key, change, { signal: this.signal });
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error; // gone already
    }
  }

  private async deleteObject(): Promise<void> {
    const { uid } = this.object.metadata;
    try {
      await this.parts.client.delete(SANDBOX_KIND, this.key, uid === undefined ? {} : { uid }, { signal: this.signal });
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error;
    }
  }
}

type AsyncAction =
  | 'add_finalizer'
  | 'remove_finalizer'
  | 'delete_object'
  | 'remove_allocation'
  | 'set_status'
  | 'bind'
  | 'delete_container';
