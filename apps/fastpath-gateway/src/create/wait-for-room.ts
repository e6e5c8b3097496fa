import { NoRoomError } from '@fsb/placement/no-room';
import { type Placement } from '@fsb/placement/placement';
import { deletedMeanwhile } from '@fsb/placement/placer';
import { type ShortageTracker } from '../shortage/shortage-tracker';
import { type PoolGrowth } from '../shortage/pool-growth';
import { type AgentDeletes } from '../sandboxes/agent-deletes';
import { type ValidatedCreate } from './validated-create';
import { type CreateInFlight } from './creates-in-flight';
import { type RoomQueue, type RoomWish } from './room-queue';

export interface WaitParts {
  readonly queue: RoomQueue;
  readonly growth: Pick<PoolGrowth, 'isRoomComing'>;
  readonly demand: ShortageTracker;
  readonly deletes: Pick<AgentDeletes, 'isOvertaken'>;
}

/**
 * Interval at which a waiting create renews its demand, which counts for thirty seconds, and looks for a missed change.
 */
const RENEW_MS = 10_000;

/** Lets a create that finds no room wait while its pool grows. */
export class WaitForRoom {
  constructor(private readonly parts: WaitParts) {}

  /**
   * Places a create, waiting for room up to its `waitMs`.
   * @param place tried at once unless others wait already, and again when there may be room
   * @throws NoRoomError at once when the pool cannot grow, else when the wait is over
   * @throws LimitError inFlight, when too many creates wait already
   * @throws ApiError aborted, when the sandbox was deleted meanwhile
   * @throws whatever `place` throws
   */
  async during(order: ValidatedCreate, course: CreateInFlight, place: () => Promise<Placement>): Promise<Placement> {
    if (order.waitMs === 0) return place();
    const { queue, demand } = this.parts;
    const until = Math.min(course.deadline, Date.now() + order.waitMs);
    const { namespace, pool, image, name, spec } = order;
    const wish = { namespace, pool, image, ports: spec.exposedPorts ?? [], ticket: queue.ticket() };
    const waits = { order, course, wish, until };
    try {
      let last = queue.isWaitedFor(order) ? undefined : await tried(place);
      while (last === undefined || last instanceof NoRoomError) {
        if (this.isHopeful(waits)) await this.wait(waits);
        else if (last) throw last;
        last = await tried(place);
      }
      return last;
    } finally {
      demand.met({ ...order, givenName: name });
    }
  }

  private isHopeful({ order, course, until }: Waits): boolean {
    return Date.now() < until && !course.signal.aborted && this.parts.growth.isRoomComing(order);
  }

  private async wait({ order, course, wish, until }: Waits): Promise<void> {
    const { queue, demand, deletes } = this.parts;
    demand.refused({ ...order, givenName: order.name });
    await queue.wait(wish, course.signal, Math.min(until, Date.now() + RENEW_MS));
    // an agent that came later does not know of earlier deletes
    if (await deletes.isOvertaken(order, order.begunAt, course.signal)) throw deletedMeanwhile(order.name);
  }
}

interface Waits {
  readonly order: ValidatedCreate;
  readonly course: CreateInFlight;
  readonly wish: RoomWish;
  /** Unix milliseconds */
  readonly until: number;
}

/** Calls `place`. @returns its result, or its NoRoomError. @throws every other error */
async function tried(place: () => Promise<Placement>): Promise<Placement | NoRoomError> {
  try {
    return await place();
  } catch (error) {
    if (error instanceof NoRoomError) return error;
    throw error;
  }
}
