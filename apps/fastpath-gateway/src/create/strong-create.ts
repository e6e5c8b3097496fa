import { setImmediate as nextTurn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { SANDBOX_FINALIZER } from '@fsb/api/labels';
import { ApiError, isApiError, messageOf } from '@fsb/api/errors';
import { API_VERSION, type Sandbox } from '@fsb/api/sandbox';
import { type Informer } from '@fsb/controller-runtime/informer';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { deletedMeanwhile } from '@fsb/placement/placer';
import { type FairSeats } from '../quota/fair-seats';
import { type AgentDeletes } from '../sandboxes/agent-deletes';
import { viewOfObject } from '../sandboxes/sandbox-view';
import { endOfCreate } from './create-end';
import { type ValidatedCreate, templateOfCreate } from './validated-create';
import { type CreatedSandbox, type CreateMode, type PooledCreate } from './create-mode';
import { type CreateInFlight } from './creates-in-flight';
import { strongOutcome } from './strong-outcome';

export interface StrongParts {
  readonly client: KubeClient;
  readonly sandboxes: Informer<Sandbox>;
  readonly seats: FairSeats;
  readonly deletes: Pick<AgentDeletes, 'isOvertaken'>;
}

/**
 * STRONG mode: writes the object, which the sandbox-controller places, and answers once the sandbox runs or cannot. A
 * refused create leaves no object. When the caller leaves or its deadline passes, a findable object stays and goes on
 * being placed; any other is deleted.
 */
export class StrongCreate implements CreateMode {
  private readonly logger = new Logger(StrongCreate.name);
  /** callbacks that look at an object after its change, by `namespace/name` */
  private readonly waiting = new Map<string, Set<() => void>>();

  constructor(private readonly parts: StrongParts) {
    parts.sandboxes.onChange((key) => {
      for (const look of this.waiting.get(key) ?? []) look();
    });
  }

  /**
   * @throws ApiError already_exists, when the name has an object
   * @throws ApiError aborted, when the sandbox was deleted or expired before it ran
   * @throws ApiError deadline_exceeded, when the caller left or its deadline passed
   * @throws ApiError as {@link strongOutcome}, when the sandbox cannot run
   * @throws LimitError inFlight, when no seat is free
   */
  async create({ order }: PooledCreate, course: CreateInFlight): Promise<CreatedSandbox> {
    const { signal, deadline } = course;
    await arrivalsRead();
    if (signal.aborted)
      throw new ApiError('deadline_exceeded', `sandbox "${order.name}" was not made: its caller left`);
    const started = performance.now();
    const object = await this.writeObject(order, course);
    const objectMs = performance.now() - started;
    // asked once the object exists: the agents know of an earlier delete, and a later one finds the object
    const overtaken = this.parts.deletes.isOvertaken(order, order.begunAt, signal);
    const settled = await this.settled(object, signal, deadline).catch((error: unknown) =>
      this.ended(object, error, { order, course }),
    );
    if (await overtaken) {
      await this.remove(object.metadata);
      throw deletedMeanwhile(order.name);
    }
    const { sandboxId, agentPod, endpoints, sandboxName } = viewOfObject(settled);
    return {
      response: { sandboxId, agentPod, endpoints, sandboxName },
      stages: [
        { name: 'object', ms: objectMs },
        { name: 'running', ms: performance.now() - started - objectMs },
      ],
    };
  }

  /**
   * Waits until the sandbox of an object runs, whichever replica wrote the object.
   * @param deadline Unix milliseconds
   * @throws ApiError as {@link strongOutcome}, when it cannot run
   * @throws ApiError deadline_exceeded, when the caller leaves or the deadline passes before that is known
   */
  async settled(object: Sandbox, signal: AbortSignal, deadline: number): Promise<Sandbox> {
    const { uid, name = '', namespace = '' } = object.metadata;
    const known = strongOutcome(object, name);
    if (known instanceof ApiError) throw known;
    if (known) return known;
    const key = `${namespace}/${name}`;
    let latest: Sandbox | undefined = object;
    return new Promise<Sandbox>((resolve, reject) => {
      const looks = this.waiting.get(key) ?? new Set();
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        looks.delete(look);
        if (looks.size === 0) this.waiting.delete(key);
      };
      const giveUp = (): void => {
        end();
        reject(
          new ApiError(
            'deadline_exceeded',
            `sandbox "${name}" is still being placed${whyStill(latest)}; ask for it by name`,
          ),
        );
      };
      let isCached = false;
      const look = (): void => {
        const cached = this.parts.sandboxes.get(key);
        const isIt = cached?.metadata.uid === uid;
        // its absence means a delete only after the cache has had it
        if (!isIt && !isCached) return;
        isCached = true;
        latest = isIt ? cached : undefined;
        const outcome = strongOutcome(latest, name);
        if (!outcome) return;
        end();
        if (outcome instanceof ApiError) reject(outcome);
        else resolve(outcome);
      };
      const timer = setTimeout(giveUp, Math.max(0, deadline - Date.now()));
      signal.addEventListener('abort', giveUp, { once: true });
      this.waiting.set(key, looks.add(look));
      look(); // the watch may have been faster than the answer to the write
      if (signal.aborted) giveUp();
    });
  }

  /** Holds a seat for the write alone, not for the placement: a full pool must not stop creates of other namespaces. */
  private async writeObject(order: ValidatedCreate, { signal, deadline }: CreateInFlight): Promise<Sandbox> {
    const write = (): Promise<Sandbox> =>
      this.parts.client.create(SANDBOX_KIND, objectOf(order), { deadlineMs: Math.max(1, deadline - Date.now()) });
    try {
      return await this.parts.seats.during(order.namespace, signal, deadline, write);
    } catch (error) {
      // the object may have been written without an answer; a generated name is no other object's, so delete by name
      if (isApiError(error, 'deadline_exceeded') && !order.isFindable) await this.remove(order);
      throw error;
    }
  }

  /**
   * Ends a create whose wait failed. The object is deleted when the create is refused, deleted, or not findable; a
   * findable one goes on past the deadline.
   */
  private async ended(object: Sandbox, error: unknown, { order, course }: Given): Promise<never> {
    const cause = course.cause ?? 'late'; // the timer may fire a moment before the deadline
    const isOpen = isApiError(error, 'deadline_exceeded');
    if (!isOpen) await this.remove(object.metadata);
    else if (endOfCreate('made', cause, order.isFindable) === 'removed') {
      await this.remove(object.metadata);
      throw new ApiError('deadline_exceeded', `sandbox "${order.name}" was not placed in time; nothing of it is left`);
    } else if (await this.parts.deletes.isOvertaken(order, order.begunAt, course.signal)) {
      await this.remove(object.metadata);
      throw deletedMeanwhile(order.name);
    }
    throw error;
  }

  private async remove({ uid, name = '', namespace = '' }: Partial<Sandbox['metadata']>): Promise<void> {
    try {
      await this.parts.client.delete(SANDBOX_KIND, { name, namespace }, uid === undefined ? {} : { uid });
    } catch (failure) {
      if (!isApiError(failure, 'not_found') && !isApiError(failure, 'aborted')) {
        this.logger.warn({ msg: 'an abandoned object was not deleted', namespace, name, error: messageOf(failure) });
      }
    }
  }
}

/**
 * Resolves when everything that has arrived on the sockets of this process is read: the event loop polls once between
 * two turns. A cancellation may wait there behind its create. If it were read later, a delete that its caller sent in
 * between would seem older than the create.
 */
async function arrivalsRead(): Promise<void> {
  await nextTurn();
  await nextTurn();
}

interface Given {
  readonly order: ValidatedCreate;
  readonly course: CreateInFlight;
}

function whyStill(sandbox: Sandbox | undefined): string {
  const { phase, message } = sandbox?.status ?? {};
  return message === undefined ? '' : ` (${phase ?? 'Pending'}: ${message})`;
}

function objectOf(order: ValidatedCreate): Sandbox {
  const { metadata, spec } = templateOfCreate(order);
  const { name, namespace } = order;
  return {
    apiVersion: API_VERSION,
    kind: 'Sandbox',
    metadata: {
      ...{ name, namespace },
      labels: { ...metadata.labels },
      annotations: { ...metadata.annotations },
      finalizers: [SANDBOX_FINALIZER],
    },
    spec,
  };
}
