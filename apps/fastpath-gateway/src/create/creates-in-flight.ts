import { setTimeout as sleep } from 'node:timers/promises';
import { deletedMeanwhile } from '@fsb/placement/placer';
import { type GiveUpCause } from './create-end';

/** The wait of a caller for its create. */
export interface CallerWait {
  /** aborts when the caller leaves */
  readonly signal: AbortSignal;
  /** Unix milliseconds */
  readonly deadline: number;
}

/** One create in flight, from its check to its answer. */
export class CreateInFlight {
  private readonly given = new AbortController();
  private isDeleted = false;
  /** whether the create holds its name: other creates of it are refused */
  holdsName = false;

  constructor(
    readonly name: string,
    readonly deadline: number,
  ) {}

  /** Aborts when the caller leaves or the sandbox is deleted. */
  get signal(): AbortSignal {
    return this.given.signal;
  }

  /** Why the create is to be given up; undefined while it goes on. */
  get cause(): GiveUpCause | undefined {
    if (this.isDeleted) return 'deleted';
    if (this.given.signal.aborted) return 'left';
    return Date.now() >= this.deadline ? 'late' : undefined;
  }

  /** Marks the create as left by its caller. */
  leave(): void {
    this.given.abort();
  }

  /** Marks the create as deleted. */
  delete(): void {
    this.isDeleted = true;
    this.given.abort();
  }

  /** @throws ApiError aborted, when the sandbox was deleted meanwhile */
  requireWanted(): void {
    if (this.isDeleted) throw deletedMeanwhile(this.name);
  }
}

interface UnderWay {
  readonly course: CreateInFlight;
  readonly work: Promise<unknown>;
}

/** Creates in flight, by `namespace/name`. Lost with the process, as the creates themselves are. */
export class CreatesInFlight {
  private readonly creates = new Map<string, Set<UnderWay>>();

  /** Whether a create in flight holds the name. */
  isHeld(key: string): boolean {
    return [...(this.creates.get(key) ?? [])].some(({ course }) => course.holdsName);
  }

  /**
   * Registers a create in flight while `create` runs.
   * @throws ApiError aborted, when the sandbox was deleted meanwhile, whatever `create` did
   * @throws whatever `create` throws
   */
  async during<T>(
    { namespace, name }: { readonly namespace: string; readonly name: string },
    { signal, deadline }: CallerWait,
    create: (course: CreateInFlight) => Promise<T>,
  ): Promise<T> {
    const key = `${namespace}/${name}`;
    const course = new CreateInFlight(name, deadline);
    const leave = (): void => {
      course.leave();
    };
    // not AbortSignal.any, which leaks a little for each create on Node 20
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    const underWay = { course, work: create(course) };
    const ofName = this.creates.get(key) ?? new Set();
    this.creates.set(key, ofName.add(underWay));
    try {
      return await underWay.work;
    } finally {
      signal.removeEventListener('abort', leave);
      ofName.delete(underWay);
      if (ofName.size === 0) this.creates.delete(key);
      course.requireWanted();
    }
  }

  /**
   * Gives up all creates of a name and waits for them to end, until `deadline` at most: what they made can be found
   * only then.
   * @param key namespace/name
   * @param deadline Unix milliseconds
   * @returns whether there were any
   */
  async delete(key: string, deadline: number): Promise<boolean> {
    const ofName = [...(this.creates.get(key) ?? [])];
    if (ofName.length === 0) return false;
    for (const { course } of ofName) course.delete();
    const given = new AbortController();
    const timeout = sleep(Math.max(0, deadline - Date.now()), undefined, { signal: given.signal });
    await Promise.race([Promise.allSettled(ofName.map(({ work }) => work)), timeout]);
    given.abort();
    timeout.catch(() => undefined);
    return true;
  }
}
