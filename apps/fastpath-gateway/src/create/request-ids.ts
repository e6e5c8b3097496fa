import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, isApiError } from '@fsb/api/errors';
import { type Sandbox } from '@fsb/api/sandbox';
import { REQUEST_ID_ANNOTATION } from '@fsb/api/labels';
import { type Informer } from '@fsb/controller-runtime/informer';
import { SANDBOX_KIND, splitKey } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { setBounded } from '@fsb/kit/set-bounded';
import { type Catalog } from '../sandboxes/catalog';
import { viewOfObject } from '../sandboxes/sandbox-view';
import { type CreatedSandbox } from './create-mode';
import { type ValidatedCreate } from './validated-create';
import { answerOf, earlierRequest } from './earlier-request';
import { type StrongCreate } from './strong-create';

const MAX_ANSWERS = 10_000;
const TTL_MS = 10 * 60_000;
/** Interval between looks in the catalog while an earlier request is in flight. */
const LOOK_MS = 50;

interface Entry {
  readonly answer: Promise<CreatedSandbox>;
  /** Unix milliseconds */
  readonly until: number;
}

export interface RequestIdParts {
  readonly sandboxes: Informer<Sandbox>;
  readonly catalog: Catalog;
  readonly strong: StrongCreate;
  readonly client: KubeClient;
}

/**
 * Makes creates idempotent: the same request_id in the same namespace gives the same answer. A replica remembers its
 * own answers for ten minutes. Later, on other replicas and after a restart, the answer is derived from the sandbox's
 * object, or before there is one from its agent's report. Of a deleted sandbox only the remembered answer is left.
 */
export class RequestIds {
  private readonly answers = new Map<string, Entry>();
  /** keys of objects, by `namespace/request id` */
  private readonly objects = new Map<string, string>();

  constructor(private readonly parts: RequestIdParts) {
    parts.sandboxes.onChange((key, current, previous) => {
      const before = previous && idOf(previous);
      if (before !== undefined) this.objects.delete(before);
      const now = current && idOf(current);
      if (now !== undefined) this.objects.set(now, key);
    });
  }

  /** Runs `create`, unless an answer to this id is remembered or in flight. A failure is not remembered. */
  once(namespace: string, requestId: string, create: () => Promise<CreatedSandbox>): Promise<CreatedSandbox> {
    const id = `${namespace}/${requestId}`;
    const known = this.answers.get(id);
    if (known && known.until > Date.now()) return known.answer;
    const answer = create();
    setBounded(this.answers, id, { answer, until: Date.now() + TTL_MS }, MAX_ANSWERS);
    answer.catch(() => this.answers.delete(id));
    return answer;
  }

  /**
   * The answer to an earlier request with this id; waits for one in flight.
   * @param deadline Unix milliseconds
   * @returns undefined when there was none, or when the name belongs to another request
   * @throws ApiError deadline_exceeded, when the earlier request is still in flight or the caller has left
   * @throws ApiError with the code of an earlier STRONG create that failed
   * @throws ApiError unavailable, before the caches are filled
   */
  async earlier(order: ValidatedCreate, signal: AbortSignal, deadline: number): Promise<CreatedSandbox | undefined> {
    const { namespace, requestId } = order;
    const { catalog, strong } = this.parts;
    while (!signal.aborted && Date.now() < deadline) {
      const key = this.objects.get(`${namespace}/${requestId}`) ?? `${namespace}/${order.name}`;
      const { name } = splitKey(key);
      const object = catalog.object(key);
      switch (earlierRequest(requestId, catalog.known(namespace, name))) {
        case 'same': {
          const found = catalog.find(namespace, name);
          if (found) return { response: answerOf(found), stages: [] };
          break;
        }
        case 'strong':
          if (!object) break;
          return { response: answerOf(viewOfObject(await strong.settled(object, signal, deadline))), stages: [] };
        case 'open':
          break;
        default:
          return undefined;
      }
      await sleep(LOOK_MS);
    }
    throw new ApiError('deadline_exceeded', `an earlier request ${requestId} is still under way; ask again`);
  }

  /**
   * Asks the API server who holds a taken name, which this replica may not know yet.
   * @param deadline Unix milliseconds
   * @returns the answer to this request when another replica wrote the object for it; undefined when the name is free
   *   or belongs to another request
   * @throws ApiError as {@link earlier}, or with the code of the API server's error
   */
  async written(order: ValidatedCreate, signal: AbortSignal, deadline: number): Promise<CreatedSandbox | undefined> {
    const { namespace, name, requestId } = order;
    const { client, strong } = this.parts;
    const limit = { deadlineMs: Math.max(1, deadline - Date.now()) };
    const object = await client.get(SANDBOX_KIND, { namespace, name }, limit).catch((error: unknown) => {
      if (isApiError(error, 'not_found')) return undefined; // deleted meanwhile
      throw error; // the holder stays unknown: the caller retries
    });
    if (!object || idOf(object) !== `${namespace}/${requestId}`) return undefined;
    if (object.spec.consistencyMode !== 'strong') return this.earlier(order, signal, deadline);
    return { response: answerOf(viewOfObject(await strong.settled(object, signal, deadline))), stages: [] };
  }
}

function idOf({ metadata }: Sandbox): string | undefined {
  const requestId = metadata.annotations?.[REQUEST_ID_ANNOTATION];
  return requestId === undefined ? undefined : `${metadata.namespace ?? ''}/${requestId}`;
}
