import { setTimeout as sleep } from 'node:timers/promises';
import { type AdmissionCode, type AgentErrorCode, type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { AgentCallError, type AgentClient } from '@fsb/agent-api/agent-client';
import { ApiError, type ErrorCode } from '@fsb/api/errors';
import { type AgentDirectory, type AgentView } from './agent-directory';
import { noRoom, type Refusal } from './no-room';
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
  readonly refusals: Map<string, Refusal>;
  readonly tried: Set<string>;
  chooseMs: number;
}

const MAX_CANDIDATES = 5;
/** An agent that says nothing for so long is asked again: it may have answered into a broken connection. */
const ASK_MS = 5_000;
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;
/** When a caller gave up on a silent agent, what it may have begun is reported by then. */
const SETTLE_MS = 10_000;

/** What the caller is told of a failure that another agent would not mend, or that may have had an effect. */
const FAILURES: Readonly<Record<AgentErrorCode | AdmissionCode, ErrorCode>> = {
  invalid_argument: 'invalid_argument',
  image_not_found: 'not_found',
  command_not_found: 'not_found',
  sandbox_not_found: 'not_found',
  stale_generation: 'aborted',
  unavailable: 'unavailable',
  internal: 'internal',
  unauthenticated: 'internal',
  slots_full: 'resource_exhausted',
  port_taken: 'resource_exhausted',
  memory_full: 'resource_exhausted',
  draining: 'unavailable',
};

/** Finds an agent for a sandbox: the registry proposes, the agent decides. */
export class Placer {
  constructor(private readonly options: PlacerOptions) {}

  /**
   * @param deadline Unix milliseconds
   * @throws ApiError unavailable, resource_exhausted, not_found, invalid_argument, aborted, deadline_exceeded
   */
  async place(request: PlacementRequest, signal: AbortSignal, deadline: number): Promise<Placement> {
    const attempt: Attempt = { request, signal, deadline, refusals: new Map(), tried: new Set(), chooseMs: 0 };
    while (attempt.tried.size < MAX_CANDIDATES) {
      const agent = this.choose(attempt);
      if (!agent) break;
      const started = performance.now();
      const answer = await this.ask(agent, attempt);
      if (answer?.success === true) {
        return confirmed(agent, request, answer, [attempt.chooseMs, performance.now() - started]);
      }
      if (answer) this.refused(agent, attempt, answer);
    }
    throw this.noRoom(attempt);
  }

  /** A ready agent with a slot reserved for the sandbox. */
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
    return directory.agent(id);
  }

  /** Undefined: the agent never got the question, or is gone and its sandboxes with it; nothing is reserved there then. */
  private async ask(agent: AgentView, attempt: Attempt): Promise<CreateSandboxResponse | undefined> {
    const { client, directory } = this.options;
    const { request, signal, deadline } = attempt;
    const { sandboxId } = request.sandbox;
    for (let asked = 0; ; asked++) {
      try {
        const until = Math.min(deadline, Date.now() + ASK_MS);
        const answer = await client.create(agent.address, { sandbox: request.sandbox }, signal, until);
        if (answer.success) directory.registry.confirm(agent.id, sandboxId);
        else directory.registry.release(agent.id, sandboxId);
        return answer;
      } catch (error) {
        const untouched = asked === 0 && error instanceof AgentCallError && error.effect === 'none';
        const gone = directory.agent(agent.id)?.podUid !== agent.podUid;
        if (untouched || gone) {
          directory.registry.release(agent.id, sandboxId);
          attempt.refusals.set(agent.id, 'unreachable');
          return undefined;
        }
        if (signal.aborted || Date.now() >= deadline) throw this.gaveUp(agent, request);
      }
      const pause = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(asked, 10));
      await sleep(Math.min(pause, Math.max(0, deadline - Date.now())));
    }
  }

  /** Only what an agent refused before any effect may be tried elsewhere: anything else is thrown. */
  private refused(agent: AgentView, attempt: Attempt, answer: CreateSandboxResponse): void {
    const { code, message = 'no reason given', free } = answer;
    if (free) this.options.directory.registry.correct(agent.id, free);
    if (isRefusal(code)) {
      attempt.refusals.set(agent.id, code);
      return;
    }
    const known = code === undefined ? 'internal' : FAILURES[code];
    const blames = known === 'internal' || known === 'unavailable' ? `agent ${agent.name}: ` : '';
    throw new ApiError(known, `${blames}${message}`, known === 'unavailable' ? { retryDelayMs: LAST_PAUSE_MS } : {});
  }

  /** The reservation stays until the agent must have said whether the sandbox came to be: its name is taken till then. */
  private gaveUp(agent: AgentView, { name, sandbox }: PlacementRequest): ApiError {
    setTimeout(() => {
      this.options.directory.registry.release(agent.id, sandbox.sandboxId);
    }, SETTLE_MS).unref();
    const message = `agent ${agent.name} did not answer in time; whether sandbox "${name}" exists can be asked by name`;
    return new ApiError('deadline_exceeded', message);
  }

  private noRoom({ request, refusals }: Attempt): ApiError {
    const { directory } = this.options;
    const agents = directory.agentsOf(request.namespace, request.pool).map((agent) => ({
      id: agent.id,
      ready: agent.inSync && !agent.draining && !agent.terminating,
      freeSlots: directory.registry.freeSlots(agent.id) ?? 0,
    }));
    return noRoom(request, agents, refusals);
  }
}

function isRefusal(code: CreateSandboxResponse['code']): code is Exclude<Refusal, 'unreachable'> {
  return code === 'slots_full' || code === 'port_taken' || code === 'memory_full' || code === 'draining';
}

function confirmed(
  agent: AgentView,
  { ports }: PlacementRequest,
  { createdAt, stages = [] }: CreateSandboxResponse,
  [chooseMs, agentMs]: [number, number],
): Placement {
  // the way there and back, and what the agent does besides its stages, of which some run at once
  const rest = stages.reduce((left, { ms }) => left - ms, agentMs);
  const own = [
    { name: 'choose', ms: chooseMs },
    { name: 'agent', ms: Math.max(0, rest) },
  ];
  return { agent, createdAt, endpoints: endpointsOf(agent, ports), stages: [...own, ...stages] };
}
