import { ApiError } from '@fsb/api/errors';
import { maxAgents, sandboxesPerAgent, type SandboxPool } from '@fsb/api/sandbox-pool';
import { type Traffic } from '@fsb/component-base/traffic';
import { type Placement, type PlacementRequest, type PoolLimits } from '@fsb/placement/placement';
import { deletedMeanwhile, type Placer, UnknownOutcomeError } from '@fsb/placement/placer';
import { type TemplateSigner } from '@fsb/placement/vouched-template';
import { type WriteBehind } from '../sandboxes/write-behind';
import { type AgentDeletes } from '../sandboxes/agent-deletes';
import { type FairSeats } from '../quota/fair-seats';
import { endOfCreate, type CreateProgress } from './create-end';
import { agentRequest, type ValidatedCreate } from './validated-create';
import { type CreatedSandbox, type CreateMode, type PooledCreate } from './create-mode';
import { type CreateInFlight } from './creates-in-flight';
import { type WaitForRoom } from './wait-for-room';
import { type AgentView } from '@fsb/placement/agent-directory';

export interface FastParts {
  readonly placer: Placer;
  readonly writeBehind: WriteBehind;
  readonly traffic: Traffic;
  readonly seats: FairSeats;
  readonly deletes: AgentDeletes;
  readonly waiting: WaitForRoom;
  readonly signer: TemplateSigner;
}

/** FAST mode: starts the container first. Nothing here waits for Kubernetes once the pool is known. */
export class FastCreate implements CreateMode {
  constructor(private readonly parts: FastParts) {}

  /**
   * @throws NoRoomError when no agent has room
   * @throws LimitError inFlight, when no seat or place to wait is free
   * @throws ApiError deadline_exceeded, when the create was given up and nothing of it stays
   * @throws ApiError aborted, when the sandbox was deleted meanwhile
   * @throws UnknownOutcomeError (deadline_exceeded) for a findable create whose agent has not answered
   * @throws ApiError with the code of the agent's error
   */
  async create({ order, pool }: PooledCreate, course: CreateInFlight): Promise<CreatedSandbox> {
    const { namespace, name, image, begunAt, isFindable } = order;
    const sandbox = agentRequest(order, this.parts.signer);
    const request = {
      ...{ namespace, name, image, begunAt, sandbox },
      pool: order.pool,
      ports: sandbox.ports ?? [],
      limits: limitsOf(pool),
      leaveNothing: !isFindable,
    };
    const { sandboxId } = sandbox;
    const { agent, createdAt, endpoints, stages } = await this.parts.waiting
      .during(order, course, () => this.place(request, course))
      .catch((error: unknown) => {
        if (error instanceof UnknownOutcomeError)
          this.giveUp('asked', { order, course, agent: error.agent, sandboxId });
        throw error;
      });
    this.giveUp('made', { order, course, agent, sandboxId });
    const since = Date.now();
    this.parts.writeBehind.record({ order, agent, sandboxId, createdAt, stages, since, cancelled: false });
    return { response: { sandboxId, agentPod: agent.name, endpoints: [...endpoints], sandboxName: name }, stages };
  }

  private place(request: PlacementRequest, { signal, deadline }: CreateInFlight): Promise<Placement> {
    const { traffic, seats, placer } = this.parts;
    const place = (): Promise<Placement> => traffic.during(() => placer.place(request, signal, deadline));
    return seats.during(request.namespace, signal, deadline, place);
  }

  /**
   * Removes the sandbox of a create that is given up, unless it is to go on.
   * @throws ApiError aborted, when it was deleted
   * @throws ApiError deadline_exceeded, when it is not findable and its caller left or its deadline passed
   */
  private giveUp(progress: CreateProgress, { order, course, agent, sandboxId }: Given): void {
    // the timer may fire a moment before the deadline: a create without the agent's answer is late
    const cause = course.cause ?? (progress === 'asked' ? 'late' : undefined);
    if (cause === undefined || endOfCreate(progress, cause, order.isFindable) !== 'removed') return;
    this.parts.deletes.remove(agent, sandboxId);
    if (cause === 'deleted') throw deletedMeanwhile(order.name);
    throw new ApiError('deadline_exceeded', `sandbox "${order.name}" was not made in time; nothing of it is left`);
  }
}

interface Given {
  readonly order: ValidatedCreate;
  readonly course: CreateInFlight;
  readonly agent: AgentView;
  readonly sandboxId: string;
}

function limitsOf({ spec }: SandboxPool): PoolLimits {
  return { sandboxesPerAgent: sandboxesPerAgent(spec), maxAgents: maxAgents(spec) };
}
