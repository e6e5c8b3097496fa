import { type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { allowsAnotherAgent, errorOfAgentCode } from '@fsb/api/agent-codes';
import { type AgentClient } from '@fsb/agent-api/agent-client';
import { ApiError } from '@fsb/api/errors';
import { recordSpan } from '@fsb/component-base/tracing/tracing';
import { type AgentDirectory, type AgentView, isStarting } from './agent-directory';
import { AgentQuestions, UnansweredError } from './agent-question';
import { noRoom, type RefusalReason } from './no-room';
import { type Placement, type PlacementRequest } from './placement';
import { endpointsOf } from './sandbox-object';

export interface PlacerOptions {
  readonly directory: AgentDirectory;
  readonly client: AgentClient;
}

interface Attempt {
  readonly request: PlacementRequest;
  readonly signal: AbortSignal;
  /** Unix milliseconds */
  readonly deadline: number;
  readonly refusals: Map<string, RefusalReason>;
  readonly tried: Set<string>;
  chooseMs: number;
}

/** Agents tried per create. Concurrent replicas fill each other's candidates; after that, the caller should retry. */
const MAX_CANDIDATES = 32;
const RETRY_MS = 1_000;
const BAD_LUCK_RETRY_MS = 100;
/** Time in sync after which an agent must have reported a create whose caller gave up. */
const SETTLE_MS = 5_000;

/** The caller gave up before the agent answered. The sandbox may still come to exist on that agent. */
export class UnknownOutcomeError extends ApiError {
  constructor(
    readonly agent: AgentView,
    message: string,
  ) {
    super('deadline_exceeded', message);
  }
}

/** The error for a create whose sandbox was deleted before its answer. */
export function deletedMeanwhile(name: string): ApiError {
  const message = `sandbox "${name}" was deleted while it was being made; create it again if it is wanted`;
  return new ApiError('aborted', message);
}

/** Places a sandbox on an agent: the registry proposes, the agent decides. */
export class Placer {
  private readonly questions: AgentQuestions;

  constructor(private readonly options: PlacerOptions) {
    this.questions = new AgentQuestions(options.directory, options.client);
  }

  /**
   * Asks agent after agent until one takes the sandbox.
   * @param deadline Unix milliseconds
   * @throws ApiError
   * - unavailable: no agent can be reached, or too many were full in a row; retry
   * - resource_exhausted (NoRoomError): what is full, and the pool's limits
   * - aborted: deleted before the answer
   * - deadline_exceeded: not created; as UnknownOutcomeError, perhaps created
   * - not_found, invalid_argument, failed_precondition and others: the agent's failure, by errorOfAgentCode
   */
  async place(request: PlacementRequest, signal: AbortSignal, deadline: number): Promise<Placement> {
    const attempt: Attempt = { request, signal, deadline, refusals: new Map(), tried: new Set(), chooseMs: 0 };
    while (attempt.tried.size < MAX_CANDIDATES) {
      if (signal.aborted || Date.now() >= deadline) throw nothingMade(request);
      const agent = this.choose(attempt);
      if (!agent) throw this.noRoom(attempt);
      const started = performance.now();
      const answer = await this.ask(agent, attempt);
      if (answer?.success === true) {
        return confirmed(agent, request, answer, [attempt.chooseMs, performance.now() - started]);
      }
      if (answer) this.refused(agent, attempt, answer);
    }
    const message = `pool "${request.pool}" is being filled: ${MAX_CANDIDATES} agents in a row were full when asked; try again`;
    throw new ApiError('unavailable', message, { retryDelayMs: BAD_LUCK_RETRY_MS });
  }

  /** Chooses a ready agent and reserves a slot there. */
  private choose(attempt: Attempt): AgentView | undefined {
    const { directory } = this.options;
    const { namespace, pool, image, ports, name, sandbox } = attempt.request;
    const started = performance.now();
    const id = directory.registry.choose({ namespace, pool, image, ports, exclude: attempt.tried });
    if (id === undefined) return undefined;
    attempt.tried.add(id);
    directory.registry.reserve(id, {
      sandboxId: sandbox.sandboxId,
      namespace: sandbox.namespace ?? namespace,
      name,
      ports,
    });
    attempt.chooseMs += performance.now() - started;
    recordSpan('choose', started);
    return directory.agent(id);
  }

  /** @returns undefined, without a reservation, if the request never reached the agent, or the agent is gone */
  private async ask(agent: AgentView, attempt: Attempt): Promise<CreateSandboxResponse | undefined> {
    const { registry } = this.options.directory;
    const { request, signal, deadline } = attempt;
    const { sandbox, begunAt, leaveNothing } = request;
    try {
      const answer = await this.questions.ask({ agent, sandbox, signal, deadline, begunAt, leaveNothing });
      if (answer?.success === true) registry.confirm(agent.id, sandbox.sandboxId);
      else registry.release(agent.id, sandbox.sandboxId);
      if (!answer) attempt.refusals.set(agent.id, 'unreachable');
      return answer;
    } catch (error) {
      throw error instanceof UnansweredError ? this.gaveUp(agent, request) : error;
    }
  }

  /** Records a refusal after which another agent may be asked. @throws ApiError for every other failure */
  private refused(agent: AgentView, attempt: Attempt, answer: CreateSandboxResponse): void {
    const { code, message = 'no reason given', free } = answer;
    if (answer.deleted) throw deletedMeanwhile(attempt.request.name);
    if (free && code !== 'other_agent') this.options.directory.registry.applyRefusal(agent.id, free);
    if (allowsAnotherAgent(code)) {
      attempt.refusals.set(agent.id, code);
      return;
    }
    const known = errorOfAgentCode(code);
    const blames = known === 'internal' || known === 'unavailable' ? `agent ${agent.name}: ` : '';
    throw new ApiError(known, `${blames}${message}`, known === 'unavailable' ? { retryDelayMs: RETRY_MS } : {});
  }

  private gaveUp(agent: AgentView, { name, sandbox }: PlacementRequest): UnknownOutcomeError {
    this.releaseLater(agent, sandbox.sandboxId);
    const message = `agent ${agent.name} did not answer in time; whether sandbox "${name}" exists can be asked by name`;
    return new UnknownOutcomeError(agent, message);
  }

  /** Keeps the reservation until the agent must have reported the sandbox, if it exists. */
  private releaseLater(agent: AgentView, sandboxId: string): void {
    const { directory } = this.options;
    let wasInSync = false;
    const timer = setInterval(() => {
      const now = directory.agent(agent.id);
      if (now?.podUid === agent.podUid && !(wasInSync && now.inSync)) {
        wasInSync = now.inSync;
        return;
      }
      clearInterval(timer);
      directory.registry.release(agent.id, sandboxId);
    }, SETTLE_MS);
    timer.unref();
  }

  private noRoom({ request, refusals }: Attempt): ApiError {
    const { directory } = this.options;
    const agents = directory.agentsOf(request.namespace, request.pool).map((agent) => ({
      id: agent.id,
      ready: agent.inSync && !agent.draining && !agent.terminating,
      starting: isStarting(agent),
      freeSlots: directory.registry.freeSlots(agent.id) ?? 0,
    }));
    const starting = agents.filter((agent) => agent.starting).length;
    const withoutAddress = directory.startingIn(request.namespace, request.pool) - starting;
    const onTheirWay = Array.from({ length: withoutAddress }, () => ({
      ...{ id: '', ready: false, starting: true, freeSlots: 0 },
    }));
    return noRoom(request, [...agents, ...onTheirWay], refusals);
  }
}

function nothingMade({ name }: PlacementRequest): ApiError {
  return new ApiError('deadline_exceeded', `sandbox "${name}" was not made: its time was up before an agent was asked`);
}

function confirmed(
  agent: AgentView,
  { ports }: PlacementRequest,
  { createdAt, stages = [] }: CreateSandboxResponse,
  [chooseMs, agentMs]: [number, number],
): Placement {
  // the round trip, and the agent's work outside its stages; never negative, since stages may overlap
  const rest = stages.reduce((left, { ms }) => left - ms, agentMs);
  const own = [
    { name: 'choose', ms: chooseMs },
    { name: 'agent', ms: Math.max(0, rest) },
  ];
  return { agent, createdAt, endpoints: endpointsOf(agent, ports), stages: [...own, ...stages] };
}
