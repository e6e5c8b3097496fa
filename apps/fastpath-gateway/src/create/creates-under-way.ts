import { setTimeout as sleep } from 'node:timers/promises';
import { deletedMeanwhile } from '@fsb/placement/placer';
import { type Cause } from './create-end';

/** Who waits for a create, and how long. */
export interface Waiting {
  readonly signal: AbortSignal;
  /** Unix milliseconds */
  readonly deadline: number;
}

/** One create from its check to its answer. */
export class CreateCourse {
  private readonly given = new AbortController();
  private isDeleted = false;
  /** Nobody else gets its name. */
  holdsName = false;

  constructor(
    readonly name: string,
    readonly deadline: number,
  ) {}

  /** Aborts when its caller leaves or its sandbox is deleted. */
  get signal(): AbortSignal {
    return this.given.signal;
  }

  /** Why it is to be given up; undefined: it goes on. */
  get cause(): Cause | undefined {
    if (this.isDeleted) return 'deleted';
    if (this.given.signal.aborted) return 'left';
    return Date.now() >= this.deadline ? 'late' : undefined;
  }

  leave(): void {
    this.given.abort();
  }

  delete(): void {
    this.isDeleted = true;
    this.given.abort();
  }

  /** @throws ApiError aborted where somebody deleted its sandbox meanwhile */
  requireWanted(): void {
    if (this.isDeleted) throw deletedMeanwhile(this.name);
  }
}

interface UnderWay {
  readonly course: CreateCourse;
  readonly work: Promise<unknown>;
}

/** The creates that have no answer yet, by `namespace/name`. Lost with the process, like the creates themselves. */
export class CreatesUnderWay {
  private readonly creates = new Map<string, Set<UnderWay>>();

  /** Whether one of them has the name to itself. */
  isHeld(key: string): boolean {
    return [...(this.creates.get(key) ?? [])].some(({ course }) => course.holdsName);
  }

  /** @throws ApiError aborted where the sandbox is deleted meanwhile, whatever `create` did; else what `create` throws */
  async during<T>(
    { namespace, name }: { readonly namespace: string; readonly name: string },
    { signal, deadline }: Waiting,
    create: (course: CreateCourse) => Promise<T>,
  ): Promise<T> {
    const key = `${namespace}/${name}`;
    const course = new CreateCourse(name, deadline);
    const leave = (): void => {
      course.leave();
    };
    // not AbortSignal.any: on Node 20 each create would leave something behind
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
   * Gives up all creates of that name and waits for their ends, at most until `deadline` (Unix ms): only then is what
   * they have made there to be found.
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
