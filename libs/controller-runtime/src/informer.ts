import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { backOffMs } from '@fsb/kit/back-off';
import { type Kind, keyOf, type KubeObject } from './kinds';
import { type KubeClient, type ListResult } from './kube-client';
import { isWatchExpired, KubeError } from './kube-error';
import { ObjectCache } from './object-cache';
import { watchEvents } from './watch-events';

export interface InformerOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly kind: Kind<T>;
  /** absent: all namespaces */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** reduces an object to the fields that are read, to save memory in a cache of many thousands */
  readonly keep?: (object: T) => T;
  /** silence after which a watch is reopened; default 90,000, while servers send a bookmark each minute */
  readonly silenceMs?: number;
  /** first delay after a failure, doubled up to 5 s, with jitter; default 200 */
  readonly retryMs?: number;
}

/** Called for a change. `current` is undefined if the object is gone, `previous` if it is new. */
export type ChangeListener<T> = (key: string, current: T | undefined, previous: T | undefined) => void;

const PAGE = 500;
const LIST_DEADLINE_MS = 30_000;
/** Upper bound of the back-off. Retries are cheap, since few processes watch, and an outdated cache costs more. */
const MAX_RETRY_MS = 5_000;
/** Shortest duration of a watch; with jitter five to ten minutes, so that replicas do not all reconnect at once. */
const WATCH_SECONDS = 300;
/** Statuses after which a watch resumes: too many requests, and a proxy's answers for an unavailable server. */
const BUSY: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * A cache of one kind, by list and watch. A watch that ends, falls silent or breaks resumes at the last version seen,
 * with back-off after a failure, so that a broken connection does not cost a list of thousands of objects. It relists
 * only when the server cannot resume there (410), refuses for another reason than overload, or sends malformed JSON.
 * @example
 * const pods = new Informer({ client, kind: POD_KIND });
 * pods.onChange((key) => queue.add(key));
 * pods.start();
 * await pods.synced;
 */
export class Informer<T extends KubeObject> {
  private readonly logger: Logger;
  private readonly cache = new ObjectCache<T>();
  private readonly listeners: ChangeListener<T>[] = [];
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private failures = 0;
  private version = '';
  private markSynced: () => void = () => undefined;
  private contact = 0;
  private isSynced = false;
  /** Resolves after the first complete list; never rejects. */
  readonly synced = new Promise<void>((resolve) => {
    this.markSynced = resolve;
  });

  constructor(private readonly options: InformerOptions<T>) {
    this.logger = new Logger(`Informer(${options.kind.plural})`);
  }

  get hasSynced(): boolean {
    return this.isSynced;
  }

  /** Unix milliseconds of the last list or watch event; 0 before the first list. */
  get lastContactMs(): number {
    return this.contact;
  }

  /** @param listener called synchronously and in order for each add, update and removal; an error is only logged */
  onChange(listener: ChangeListener<T>): void {
    this.listeners.push(listener);
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** @param key `namespace/name`, or `name` for a cluster-scoped kind */
  get(key: string): T | undefined {
    return this.cache.get(key);
  }

  list(namespace?: string): T[] {
    return this.cache.list(namespace);
  }

  /** Keys after `key`, in order. Read them before the next change. */
  keysAfter(key: string): Generator<string> {
    return this.cache.keysAfter(key);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        if (this.version === '') await this.relist();
        for (;;) await this.watch();
      } catch (error) {
        if (!mayResume(error)) this.version = '';
        await this.backOff(error);
      }
    }
  }

  private async backOff(error: unknown): Promise<void> {
    const { signal } = this.stopping;
    if (signal.aborted) return; // the error is stop() cancelling the call
    const { retryMs = 200 } = this.options;
    const delay = backOffMs(this.failures++, { firstMs: retryMs, lastMs: MAX_RETRY_MS }) * (0.5 + Math.random());
    const level = isWatchExpired(error) ? 'debug' : 'warn';
    const msg = this.version === '' ? 'watch failed, listing again' : 'watch broke, going on from where it was';
    this.logger[level]({ msg, error: messageOf(error), delayMs: Math.round(delay) });
    await sleep(delay, undefined, { signal }).catch(() => undefined);
  }

  private async relist(): Promise<void> {
    const { client, kind, namespace, labelSelector, fieldSelector } = this.options;
    const seen = new Set<string>();
    const objects: T[] = [];
    let page: ListResult<T> | undefined;
    do {
      const query = { namespace, labelSelector, fieldSelector, limit: PAGE, continue: page?.continue };
      const call = { signal: this.stopping.signal, deadlineMs: LIST_DEADLINE_MS };
      page = await client.list(kind, query, call);
      objects.push(...page.items);
    } while (page.continue);
    for (const object of objects) {
      seen.add(keyOf(object));
      const known = this.cache.get(keyOf(object));
      if (!known || known.metadata.resourceVersion !== object.metadata.resourceVersion) this.put(object);
    }
    for (const key of this.cache.keys()) if (!seen.has(key)) this.drop(key);
    this.version = page.resourceVersion;
    this.contact = Date.now();
    this.isSynced = true;
    this.markSynced();
  }

  /** Returns when the watch has ended in order, and may resume at `version`. */
  private async watch(): Promise<void> {
    const { client, kind, namespace, labelSelector, fieldSelector, silenceMs = 90_000 } = this.options;
    const query = {
      namespace,
      labelSelector,
      fieldSelector,
      resourceVersion: this.version,
      timeoutSeconds: Math.round(WATCH_SECONDS * (1 + Math.random())),
    };
    const opened = performance.now();
    const response = await client.watch(kind, query, { signal: this.stopping.signal });
    for await (const event of watchEvents<T>(response, kind, silenceMs)) {
      this.contact = Date.now();
      this.failures = 0;
      this.version = event.object.metadata.resourceVersion ?? this.version;
      if (event.type === 'DELETED') this.drop(keyOf(event.object));
      else if (event.type !== 'BOOKMARK') this.put(event.object);
    }
    // back off from a server or proxy that ends every watch at once
    if (performance.now() - opened < Math.min(1000, silenceMs / 2)) throw new Error('the watch ended at once');
  }

  private put(whole: T): void {
    const object = this.options.keep?.(whole) ?? whole;
    const previous = this.cache.set(object);
    this.notify(keyOf(object), object, previous);
  }

  private drop(key: string): void {
    const previous = this.cache.remove(key);
    if (previous) this.notify(key, undefined, previous);
  }

  private notify(key: string, current: T | undefined, previous: T | undefined): void {
    for (const listener of this.listeners) {
      try {
        listener(key, current, previous);
      } catch (error) {
        this.logger.error({ msg: 'a listener failed', key, error: messageOf(error) });
      }
    }
  }
}

/** Whether a watch may resume: after no answer or an overload, but not after another refusal or malformed JSON. */
function mayResume(error: unknown): boolean {
  if (error instanceof KubeError) return BUSY.has(error.status);
  return !(error instanceof SyntaxError);
}
