import { LimitError } from '@fsb/quota/limits';
import { type Registry } from '@fsb/registry/registry';
import { type PoolKey } from '../shortage/pool-growth';

/** The room that a create waits for. */
export interface RoomWish extends PoolKey {
  /** normalised name */
  readonly image: string;
  readonly ports: readonly number[];
  /** from {@link RoomQueue.ticket}: the order of service, which a create keeps when it waits again */
  readonly ticket: number;
}

export interface RoomQueueParts {
  readonly registry: Pick<Registry, 'choose'>;
  /** whether a pool may get room; when it may not, its waiting creates are released, to be refused */
  readonly isRoomComing: (pool: PoolKey) => boolean;
  readonly limits: RoomLimits;
}

export interface RoomLimits {
  readonly waitingPerNamespace: number;
  /** bound over all namespaces */
  readonly waiting: number;
}

interface Waiter {
  readonly wish: RoomWish;
  readonly release: () => void;
}

const RETRY_MS = 2_000;
const NOBODY: ReadonlySet<string> = new Set();

/**
 * FIFO queues of creates that wait for a slot or a port, one for each pool; a pool belongs to one namespace. A create
 * with other ports may pass the first: the room that it takes is of no use to the first. A namespace may hold as many
 * places as are still free, so that a new namespace always finds one.
 */
export class RoomQueue {
  private readonly pools = new Map<string, Waiter[]>();
  private readonly byNamespace = new Map<string, number>();
  private waiting = 0;
  private tickets = 0;
  private isLooking = false;

  constructor(private readonly parts: RoomQueueParts) {}

  /** A number for a new create; creates are served in the order of their tickets. */
  ticket(): number {
    return ++this.tickets;
  }

  /** Number of waiting creates. */
  get size(): number {
    return this.waiting;
  }

  /** Whether creates wait for room in the pool. */
  isWaitedFor(pool: PoolKey): boolean {
    return this.pools.has(keyOf(pool));
  }

  /**
   * Resolves when there may be room, when no room is coming, at `until`, or when the caller leaves; the create is then
   * to be tried again.
   * @param until Unix milliseconds
   * @throws LimitError inFlight, when too many creates wait already
   */
  async wait(wish: RoomWish, signal: AbortSignal, until: number): Promise<void> {
    this.requirePlace(wish);
    await new Promise<void>((resolve) => {
      const release = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', release);
        this.remove(waiter);
        resolve();
      };
      const waiter = { wish, release };
      const timer = setTimeout(release, Math.max(0, until - Date.now()));
      signal.addEventListener('abort', release, { once: true });
      this.add(waiter);
      if (signal.aborted) release();
      else this.wake(); // room may have come since the create was refused
    });
  }

  /** Looks for room after a change of an agent or a pool; changes within one turn of the event loop share a look. */
  wake(): void {
    if (this.isLooking || this.waiting === 0) return;
    this.isLooking = true;
    setImmediate(() => {
      this.isLooking = false;
      for (const waiters of [...this.pools.values()]) this.serve(waiters);
    });
  }

  /** Releases one create; the next look comes after that one has reserved its slot. */
  private serve(waiters: readonly Waiter[]): void {
    const [first] = waiters;
    if (!first) return;
    if (!this.parts.isRoomComing(first.wish) && !this.hasRoom(first.wish)) {
      for (const { release } of [...waiters]) release();
      return;
    }
    const inVain = new Set<string>();
    for (const { wish, release } of waiters) {
      const ports = String(wish.ports);
      if (inVain.has(ports)) continue;
      if (this.hasRoom(wish)) {
        release();
        this.wake();
        return;
      }
      inVain.add(ports);
    }
  }

  private hasRoom({ namespace, pool, image, ports }: RoomWish): boolean {
    return this.parts.registry.choose({ namespace, pool, image, ports, exclude: NOBODY }) !== undefined;
  }

  private requirePlace({ namespace }: RoomWish): void {
    const { waitingPerNamespace, waiting } = this.parts.limits;
    const own = this.byNamespace.get(namespace) ?? 0;
    if (own < Math.min(waitingPerNamespace, waiting - this.waiting)) return;
    const message = `wait_seconds: ${own} creates of namespace "${namespace}" already wait for room, of ${this.waiting} in all; a namespace may have at most ${waitingPerNamespace}, and no more than are still free; try again`;
    throw new LimitError('inFlight', message, RETRY_MS);
  }

  private add(waiter: Waiter): void {
    const { wish } = waiter;
    const waiters = this.pools.get(keyOf(wish)) ?? [];
    const at = waiters.findIndex(({ wish: { ticket } }) => ticket > wish.ticket);
    waiters.splice(at < 0 ? waiters.length : at, 0, waiter);
    this.pools.set(keyOf(wish), waiters);
    this.count(wish.namespace, 1);
  }

  private remove(waiter: Waiter): void {
    const key = keyOf(waiter.wish);
    const waiters = this.pools.get(key) ?? [];
    const at = waiters.indexOf(waiter);
    if (at < 0) return;
    waiters.splice(at, 1);
    if (waiters.length === 0) this.pools.delete(key);
    this.count(waiter.wish.namespace, -1);
  }

  private count(namespace: string, by: 1 | -1): void {
    this.waiting += by;
    const own = (this.byNamespace.get(namespace) ?? 0) + by;
    if (own > 0) this.byNamespace.set(namespace, own);
    else this.byNamespace.delete(namespace);
  }
}

function keyOf({ namespace, pool }: PoolKey): string {
  return `${namespace}/${pool}`;
}
