import { KubeConfig } from '@kubernetes/client-node';
import { type IncomingMessage } from 'node:http';
import { ApiError } from '@fsb/api/errors';
import { inSpan } from '@fsb/component-base/tracing/tracing';
import { apiVersionOf, type Kind, type KubeObject, type ObjectKey } from './kinds';
import { KubeConnection } from './kube-connection';
import { KubeError } from './kube-error';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** default 10,000 */
  readonly deadlineMs?: number;
}

export interface ListQuery {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number;
  readonly continue?: string | undefined;
}

export interface ListResult<T> {
  readonly items: T[];
  readonly continue?: string;
  readonly resourceVersion: string;
}

export interface DeletePreconditions {
  readonly uid?: string;
  readonly gracePeriodSeconds?: number;
}

export interface WatchQuery extends ListQuery {
  readonly resourceVersion: string;
  readonly timeoutSeconds: number;
}

export type KubeVerb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** Observer of each call, which the metrics implement. `code` is the HTTP status, 0 without an answer. */
export interface CallObserver {
  called(verb: KubeVerb, resource: string, code: number): void;
}

const METHODS = { get: 'GET', list: 'GET', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE' } as const;
const DEADLINE_MS = 10_000;
const MERGE_PATCH = 'application/merge-patch+json';

/**
 * The kubeconfig of `file`, else of KUBECONFIG, else of the Pod's service account.
 * @throws ApiError failed_precondition when it cannot be read
 */
export function loadKubeConfig(file: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (file !== undefined) config.loadFromFile(file);
    else if (process.env['KUBECONFIG']) config.loadFromDefault();
    else config.loadFromCluster();
  } catch (error) {
    const where = file ?? process.env['KUBECONFIG'] ?? "the Pod's service account";
    throw new ApiError('failed_precondition', `cannot read the kubeconfig (${where}); set --kubeconfig`, {
      cause: error,
    });
  }
  return config;
}

/**
 * Client of the Kubernetes API in plain JSON: no model classes, and timestamps stay strings.
 * @throws ApiError from every method: a KubeError for an answer of the API server; unavailable, deadline_exceeded or
 * aborted without one
 * @example await client.get(SANDBOX_KIND, { namespace: 'default', name: 'box' }, { signal })
 */
export class KubeClient {
  private readonly connection: KubeConnection;

  constructor(
    config: KubeConfig,
    userAgent = 'fast-sandbox',
    private readonly observer?: CallObserver,
  ) {
    this.connection = new KubeConnection(config, userAgent);
  }

  async get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey, options?: CallOptions): Promise<T> {
    return this.send<T>('get', kind, { path: objectPath(kind, key) }, options);
  }

  /** One page of a list. With `limit`, pass the answer's `continue` for the next. Items get apiVersion and kind. */
  async list<T extends KubeObject>(
    kind: Kind<T>,
    query: ListQuery = {},
    options?: CallOptions,
  ): Promise<ListResult<T>> {
    const path = `${collectionPath(kind, query.namespace)}${search(query)}`;
    const answer = await this.send<{ items?: T[] | null; metadata?: ListMeta }>('list', kind, { path }, options);
    const items = answer.items ?? [];
    for (const item of items) {
      item.apiVersion ??= apiVersionOf(kind);
      item.kind ??= kind.kind;
    }
    const { continue: next, resourceVersion = '' } = answer.metadata ?? {};
    return next ? { items, resourceVersion, continue: next } : { items, resourceVersion };
  }

  /** Creates an object in its metadata's namespace. @throws ApiError already_exists */
  async create<T extends KubeObject>(kind: Kind<T>, object: T, options?: CallOptions): Promise<T> {
    const path = collectionPath(kind, object.metadata.namespace);
    return this.send<T>('create', kind, { path, body: typed(kind, object) }, options);
  }

  /** Replaces an object. @throws ApiError aborted if it has a resourceVersion and was changed since */
  async update<T extends KubeObject>(kind: Kind<T>, object: T, options?: CallOptions): Promise<T> {
    return this.send<T>('update', kind, { path: objectPath(kind, keyIn(object)), body: typed(kind, object) }, options);
  }

  async updateStatus<T extends KubeObject>(kind: Kind<T>, object: T, options?: CallOptions): Promise<T> {
    const path = `${objectPath(kind, keyIn(object))}/status`;
    return this.send<T>('update', kind, { path, body: typed(kind, object) }, options);
  }

  async patch<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    mergePatch: object,
    options?: CallOptions,
  ): Promise<T> {
    return this.send<T>('patch', kind, { path: objectPath(kind, key), body: mergePatch }, options);
  }

  async patchStatus<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    mergePatch: object,
    options?: CallOptions,
  ): Promise<T> {
    return this.send<T>('patch', kind, { path: `${objectPath(kind, key)}/status`, body: mergePatch }, options);
  }

  /** @throws ApiError not_found; aborted if the object has another uid */
  async delete(
    kind: Kind,
    key: ObjectKey,
    { uid, gracePeriodSeconds }: DeletePreconditions = {},
    options?: CallOptions,
  ): Promise<void> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    };
    await this.send('delete', kind, { path: objectPath(kind, key), body }, options);
  }

  /** A watch as lines of JSON; see watchEvents. The deadline applies to the headers only. */
  watch(kind: Kind, query: WatchQuery, options: CallOptions): Promise<IncomingMessage> {
    const { resourceVersion, timeoutSeconds } = query;
    const extra = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: String(timeoutSeconds),
    };
    const path = `${collectionPath(kind, query.namespace)}${search(query, extra)}`;
    const { deadlineMs = DEADLINE_MS, signal } = options;
    return this.observed('watch', kind, this.connection.stream({ method: 'GET', path, deadlineMs, signal }));
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private async send<T>(
    verb: keyof typeof METHODS,
    kind: Kind,
    { path, body }: { path: string; body?: unknown },
    { signal, deadlineMs = DEADLINE_MS }: CallOptions = {},
  ): Promise<T> {
    const contentType = verb === 'patch' ? MERGE_PATCH : 'application/json';
    const content = body === undefined ? {} : { body, contentType };
    const call = { method: METHODS[verb], path, deadlineMs, signal, ...content };
    const span = { name: `${verb} ${kind.plural}`, kind: 'client', attributes: { 'url.path': path } } as const;
    // the server validates objects against the kind's schema
    return (await inSpan(span, () => this.observed(verb, kind, this.connection.call(call)))) as T;
  }

  private async observed<T>(verb: KubeVerb, { plural }: Kind, call: Promise<T>): Promise<T> {
    try {
      const answer = await call;
      this.observer?.called(verb, plural, 200);
      return answer;
    } catch (error) {
      this.observer?.called(verb, plural, error instanceof KubeError ? error.status : 0);
      throw error;
    }
  }
}

interface ListMeta {
  readonly resourceVersion?: string;
  readonly continue?: string;
}

function collectionPath(kind: Kind, namespace: string | undefined): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const scope = kind.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${kind.plural}`;
}

function objectPath(kind: Kind, { namespace, name }: ObjectKey): string {
  if (name === '' || (kind.namespaced && !namespace)) {
    throw new ApiError('invalid_argument', `${kind.kind} needs ${name === '' ? 'a name' : 'a namespace'}`);
  }
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
}

function search(query: ListQuery, extra: Record<string, string> = {}): string {
  const params = new URLSearchParams(extra);
  if (query.labelSelector) params.set('labelSelector', query.labelSelector);
  if (query.fieldSelector) params.set('fieldSelector', query.fieldSelector);
  if (query.limit) params.set('limit', String(query.limit));
  if (query.continue) params.set('continue', query.continue);
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

function typed<T extends KubeObject>(kind: Kind<T>, object: T): T {
  return { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind };
}

function keyIn({ metadata }: KubeObject): ObjectKey {
  const name = metadata.name ?? '';
  return metadata.namespace === undefined ? { name } : { namespace: metadata.namespace, name };
}
