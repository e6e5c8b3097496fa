import { NoRoomError } from '@fsb/placement/no-room';
import { type Placement } from '@fsb/placement/placement';
import { deletedMeanwhile } from '@fsb/placement/placer';
import { type CapacityDemand } from '../demand/capacity-demand';
import { type PoolGrowth } from '../demand/pool-growth';
import { type AgentDeletes } from '../sandboxes/agent-deletes';
import { type CreateOrder } from './create-order';
import { type CreateCourse } from './creates-under-way';
import { type RoomQueue, type RoomWish } from './room-queue';

export interface WaitParts {
  readonly queue: RoomQueue;
  readonly growth: Pick<PoolGrowth, 'isRoomComing'>;
  readonly demand: CapacityDemand;
  readonly deletes: Pick<AgentDeletes, 'isOvertaken'>;
}

/** The demand of a create that waits is told again within its thirty seconds; and no change may be missed for longer. */
const RENEW_MS = 10_000;

/** A create that finds no room, and may wait for it while its pool grows. */
export class WaitForRoom {
  constructor(private readonly parts: WaitParts) {}

  /**
   * @param place tried at once, and again when there may be room
   * @throws ApiError what `place` throws; NoRoomError at once where the pool cannot grow, else after `waitMs`
   */
  async during(order: CreateOrder, course: CreateCourse, place: () => Promise<Placement>): Promise<Placement> {
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
    // an agent that has come since was not told of deletes before it
    if (await deletes.isOvertaken(order, order.begunAt, course.signal)) throw deletedMeanwhile(order.name);
  }
}

interface Waits {
  readonly order: CreateOrder;
  readonly course: CreateCourse;
  readonly wish: RoomWish;
  /** Unix milliseconds */
  readonly until: number;
}

/** @throws all but a want of room */
async function tried(place: () => Promise<Placement>): Promise<Placement | NoRoomError> {
  try {
    return await place();
  } catch (error) {
    if (error instanceof NoRoomError) return error;
    throw error;
  }
}
