import { type ServerResponse } from 'node:http';
import { type Json, type KubeObject } from '../kube-object';
import { apiVersionOf, type Resource } from '../resources/resource';
import { type ResourceRest, type WatchEvent } from '../rest/resource-rest';
import { type Selector } from '../store/selectors';
import { StatusError } from '../status-error';
import { encodeObject, type Encoding } from './encode';
import { begin } from './reply';

export interface WatchQuery {
  readonly namespace: string;
  readonly selector: Selector;
  readonly encoding: Encoding;
  /** absent: from now on, after an ADDED for each that is there */
  readonly since: number | undefined;
  /** a BOOKMARK ends the objects that are there, and then one comes each minute */
  readonly bookmarks: boolean;
  readonly sendInitialEvents: boolean;
  readonly timeoutMs: number;
}

const BOOKMARK_MS = 60_000;
/** A watcher this far behind is cut off, and lists anew or resumes. */
const BACKLOG_BYTES = 16 * 1024 * 1024;

/** One watch: lines of `{type, object}` until its time is over, the reader goes, or the server stops. */
export class WatchStream {
  private isFirst = true;
  private readonly resource: Resource;
  private stopEvents = (): void => undefined;
  private timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly response: ServerResponse,
    private readonly rest: ResourceRest,
    private readonly query: WatchQuery,
  ) {
    this.resource = rest.resource;
  }

  /** From a version that is no longer known, the watch is one ERROR event: so do those that client libraries know. */
  start(onEnd: () => void): void {
    try {
      this.follow(onEnd);
    } catch (error) {
      if (!(error instanceof StatusError) || error.code !== 410) throw error;
      begin(this.response, 200, 'application/json');
      this.write({ type: 'ERROR', object: error.toStatus() });
      this.response.end();
      onEnd();
    }
  }

  /** @throws StatusError 410, as long as nothing was answered */
  private follow(onEnd: () => void): void {
    const { namespace, selector, since, sendInitialEvents, bookmarks, timeoutMs } = this.query;
    const from = since === undefined || sendInitialEvents ? this.rest.revision : since;
    const early: WatchEvent[] = [];
    let deliver = (event: WatchEvent): void => void early.push(event);
    this.stopEvents = this.rest.watch(namespace, selector, from, (event) => {
      deliver(event);
    });
    begin(this.response, 200, 'application/json');
    this.response.flushHeaders(); // a watcher waits for these before it reads
    if (since === undefined || sendInitialEvents) this.sendExisting();
    if (sendInitialEvents) this.sendBookmark({ 'k8s.io/initial-events-end': 'true' });
    const allowed = this.response.writableLength + BACKLOG_BYTES;
    deliver = (event) => {
      this.send(event);
      if (this.response.writableLength > allowed) this.response.destroy();
    };
    early.forEach(deliver);
    if (bookmarks)
      this.timers.push(
        setInterval(() => {
          this.sendBookmark();
        }, BOOKMARK_MS),
      );
    this.timers.push(
      setTimeout(() => {
        this.end();
      }, timeoutMs),
    );
    this.response.on('close', () => {
      this.stop();
      onEnd();
    });
  }

  /** Ends it in order: the reader resumes where it was. */
  end(): void {
    if (this.query.bookmarks) this.sendBookmark();
    this.stop();
    this.response.end();
  }

  private stop(): void {
    this.stopEvents();
    this.timers.forEach(clearInterval);
    this.timers = [];
  }

  private sendExisting(): void {
    for (const object of this.rest.list(this.query.namespace, this.query.selector))
      this.send({ type: 'ADDED', object });
  }

  private send({ type, object }: WatchEvent): void {
    if (this.query.encoding.form.as === 'Object') {
      this.response.write(`{"type":"${type}","object":${textOf(object)}}\n`);
      return;
    }
    const encoded = encodeObject(this.resource, this.query.encoding, object);
    // kubectl takes the columns from the first table
    const isLaterTable = !this.isFirst && this.query.encoding.form.as === 'Table';
    this.isFirst = false;
    this.write({ type, object: isLaterTable ? { ...encoded, columnDefinitions: null } : encoded });
  }

  private sendBookmark(annotations?: Record<string, string>): void {
    const metadata = { resourceVersion: String(this.rest.revision), ...(annotations && { annotations }) };
    this.write({
      type: 'BOOKMARK',
      object: { kind: this.resource.kind, apiVersion: apiVersionOf(this.resource), metadata },
    });
  }

  private write(line: Json): void {
    this.response.write(`${JSON.stringify(line)}\n`);
  }
}

/** The last change as text: every watcher of it is served in the same turn, and most want it whole. */
let last: { object: KubeObject; text: string } | undefined;

function textOf(object: KubeObject): string {
  if (last?.object !== object) last = { object, text: JSON.stringify(object) };
  return last.text;
}

/** @throws StatusError 400, 422 */
export function watchQuery(
  parameters: URLSearchParams,
  base: Pick<WatchQuery, 'namespace' | 'selector' | 'encoding'>,
): WatchQuery {
  const since = parameters.get('resourceVersion') ?? '';
  if (!/^\d*$/.test(since)) throw StatusError.badRequest(`resourceVersion: "${since}" is not a version`);
  const sendInitialEvents = parameters.get('sendInitialEvents') === 'true';
  const bookmarks = parameters.get('allowWatchBookmarks') === 'true';
  if (sendInitialEvents && parameters.get('resourceVersionMatch') !== 'NotOlderThan') {
    const message = 'Forbidden: sendInitialEvents needs resourceVersionMatch=NotOlderThan';
    const cause = { reason: 'FieldValueForbidden', field: 'resourceVersionMatch', message };
    throw StatusError.invalid('ListOptions', 'meta.k8s.io', '', [cause]);
  }
  const timeout = Number(parameters.get('timeoutSeconds') ?? 0);
  return {
    ...base,
    since: since === '' || since === '0' ? undefined : Number(since),
    sendInitialEvents,
    bookmarks,
    // as kube-apiserver: half an hour to an hour, so that not all come back at once
    timeoutMs: timeout > 0 ? timeout * 1000 : 1_800_000 * (1 + Math.random()),
  };
}
