import { type SandboxRequest } from '@fsb/agent-api/agent-api';
import { type AgentClient } from '@fsb/agent-api/agent-client';
import { type AgentEndpoint } from '@fsb/agent-api/agent-endpoint';
import { ApiError } from '@fsb/api/errors';
import { type CreateCall, type CreateOutcome } from '../plan/world';
import { outcomeOfAnswer, outcomeOfError } from './create-outcome';

export interface AgentCreateCall {
  /** the object's, `namespace/name` */
  readonly key: string;
  readonly agent: AgentEndpoint & { readonly id: string };
  /** see {@link outcomeOfError} */
  readonly fresh: boolean;
  readonly request: SandboxRequest;
}
export interface CallListener {
  /** A call has ended: the object's key is to be reconciled. */
  settled(key: string): void;
  /** The call's reservation is no longer needed: the agent's reports count from here on. */
  release(agentId: string, sandboxId: string): void;
}
interface Call {
  readonly sandboxId: string;
  readonly agentId: string;
  outcome: CreateOutcome | undefined;
}

/** An image pull may take minutes. Calls therefore run beside the queue's workers, and their ends are events. */
const DEADLINE_MS = 300_000;
const MAX_IN_FLIGHT = 64;

/** Create calls to agents, in flight or settled, at most one for each object. */
export class CreateCalls {
  private readonly calls = new Map<string, Call>();
  private readonly running = new Set<Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly client: AgentClient,
    private readonly listener: CallListener,
  ) {}

  /** The call for this container, if there is one. */
  of(key: string, sandboxId: string): CreateCall | undefined {
    const call = this.calls.get(key);
    if (call?.sandboxId !== sandboxId) return undefined;
    const { agentId, outcome } = call;
    return outcome ? { state: 'settled', agentId, outcome } : { state: 'in_flight' };
  }

  /** Starts a call. @throws ApiError resource_exhausted when 64 are in flight; the queue retries */
  start(order: AgentCreateCall): void {
    if (this.running.size >= MAX_IN_FLIGHT) {
      throw new ApiError('resource_exhausted', `${MAX_IN_FLIGHT} creates are in flight`);
    }
    const call: Call = { sandboxId: order.request.sandboxId, agentId: order.agent.id, outcome: undefined };
    this.calls.set(order.key, call);
    const work = this.run(order, call).finally(() => this.running.delete(work));
    this.running.add(work);
  }

  /** Drops an object's call and releases its reservation. A call in flight goes on. */
  forget(key: string): void {
    const call = this.calls.get(key);
    if (call) this.listener.release(call.agentId, call.sandboxId);
    this.calls.delete(key);
  }

  /** Aborts the calls in flight. They may have an effect: the next leader asks the same agent for the same id. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }

  private async run({ key, agent, fresh, request }: AgentCreateCall, call: Call): Promise<void> {
    try {
      const deadline = Date.now() + DEADLINE_MS;
      const body = { sandbox: request, agentUid: agent.podUid };
      call.outcome = outcomeOfAnswer(await this.client.create(agent, body, this.stopping.signal, deadline));
    } catch (error) {
      call.outcome = outcomeOfError(error, fresh);
    }
    if (call.outcome.kind !== 'running') this.listener.release(call.agentId, call.sandboxId);
    this.listener.settled(key);
  }
}
