import { LimitError } from '@fsb/quota/limits';
import { type Registry } from '@fsb/registry/registry';
import { type PoolKey } from '../demand/pool-growth';

/** What a create waits for. */
export interface RoomWish extends PoolKey {
  /** normalised */
  readonly image: string;
  readonly ports: readonly number[];
  /** of `RoomQueue.ticket`: who came first is served first, also where it has to wait again */
  readonly ticket: number;
}

export interface RoomQueueParts {
  readonly registry: Pick<Registry, 'choose'>;
  /** a pool without it has its creates refused: they are told to look again */
  readonly isRoomComing: (pool: PoolKey) => boolean;
  readonly limits: RoomLimits;
}

export interface RoomLimits {
  readonly waitingPerNamespace: number;
  /** of all namespaces */
  readonly waiting: number;
}

interface Waiter {
  readonly wish: RoomWish;
  readonly go: () => void;
}

const RETRY_MS = 2_000;
const NOBODY: ReadonlySet<string> = new Set();

/**
 * Creates that wait for a slot or a port, in the order in which they came, by pool; a pool is one namespace's. A create that wants
 * something else than the first may pass it: what it takes is of no use to the first. A namespace may have no more of them
 * than are left for others, so that whoever comes next finds a place.
 */
export class RoomQueue {
  private readonly pools = new Map<string, Waiter[]>();
  private readonly byNamespace = new Map<string, number>();
  private waiting = 0;
  private tickets = 0;
  private isLooking = false;

  constructor(private readonly parts: RoomQueueParts) {}

  ticket(): number {
    return ++this.tickets;
  }

  /** How many wait. */
  get size(): number {
    return this.waiting;
  }

  isWaitedFor(pool: PoolKey): boolean {
    return this.pools.has(keyOf(pool));
  }

  /**
   * Resolves when there may be room, when there will be none, at `until` (Unix ms), or when the caller leaves: the create is to
   * be tried again then.
   * @throws LimitError where too many wait already
   */
  async wait(wish: RoomWish, signal: AbortSignal, until: number): Promise<void> {
    this.requirePlace(wish);
    await new Promise<void>((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', go);
        this.remove(waiter);
        resolve();
      };
      const waiter = { wish, go };
      const timer = setTimeout(go, Math.max(0, until - Date.now()));
      signal.addEventListener('abort', go, { once: true });
      this.add(waiter);
      if (signal.aborted) go();
      else this.look(); // what it waits for may have come since it was refused
    });
  }

  /** Something changed on some agent or pool: looked at once for many changes. */
  look(): void {
    if (this.isLooking || this.waiting === 0) return;
    this.isLooking = true;
    setImmediate(() => {
      this.isLooking = false;
      for (const waiters of [...this.pools.values()]) this.serve(waiters);
    });
  }

  /** One at a time: the next is chosen for when that one has reserved its slot. */
  private serve(waiters: readonly Waiter[]): void {
    const [first] = waiters;
    if (!first) return;
    if (!this.parts.isRoomComing(first.wish) && !this.hasRoom(first.wish)) {
      for (const { go } of [...waiters]) go();
      return;
    }
    const inVain = new Set<string>();
    for (const { wish, go } of waiters) {
      const ports = String(wish.ports);
      if (inVain.has(ports)) continue;
      if (this.hasRoom(wish)) {
        go();
        this.look();
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
    const message = `wait_seconds: ${own} creates of namespace "${namespace}" wait for room already, of ${this.waiting} in all; at most ${waitingPerNamespace} of a namespace may, and no more than are left for others; try again`;
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
