import { type ServerResponse } from 'node:http';
import { type Json, type StoredObject } from '../kube-object';
import { resourceApiVersion, type Resource } from '../resources/resource';
import { type ResourceRest, type ResourceEvent } from '../rest/resource-rest';
import { type Selector } from '../store/selectors';
import { StatusError } from '../status-error';
import { encodeObject, type Encoding } from './encode';
import { PacedWriter } from './paced-writer';
import { writeHead } from './reply';

export interface WatchParameters {
  readonly namespace: string;
  readonly selector: Selector;
  readonly encoding: Encoding;
  /** revision to resume from; absent: an ADDED for each existing object, then changes from now on */
  readonly since: number | undefined;
  /** a BOOKMARK each minute, and at the end */
  readonly bookmarks: boolean;
  readonly sendInitialEvents: boolean;
  readonly timeoutMs: number;
}

const BOOKMARK_MS = 60_000;
/** A watcher that lags by more events is disconnected, and lists again or resumes. The store's history has as many. */
const MOST_PENDING = 10_000;

/** One watch: lines of `{type, object}` until the timeout, a disconnect, a stalled reader, or the server's stop. */
export class WatchStream {
  private isFirst = true;
  private readonly resource: Resource;
  private stopEvents = (): void => undefined;
  private timers: NodeJS.Timeout[] = [];
  /** Events not yet written, from `next` on. Their objects are shared with the store's history. */
  private pending: ResourceEvent[] = [];
  private next = 0;
  /** everything has been written */
  private isDry = false;
  private writer: PacedWriter | undefined;

  /** @param stallMs a client that reads nothing for so long is disconnected */
  constructor(
    private readonly response: ServerResponse,
    private readonly rest: ResourceRest,
    private readonly query: WatchParameters,
    private readonly stallMs: number,
  ) {
    this.resource = rest.resource;
  }

  /** Starts the watch. From an expired revision it is a single ERROR event, which client libraries expect. */
  start(onEnd: () => void): void {
    try {
      this.follow(onEnd);
    } catch (error) {
      if (!(error instanceof StatusError) || error.code !== 410) throw error;
      writeHead(this.response, 200, 'application/json');
      this.response.end(lineOf({ type: 'ERROR', object: error.toStatus() }));
      onEnd();
    }
  }

  /** @throws StatusError 410, before anything is answered */
  private follow(onEnd: () => void): void {
    const { namespace, selector, since, sendInitialEvents, bookmarks, timeoutMs } = this.query;
    const from = since === undefined || sendInitialEvents ? this.rest.revision : since;
    let isListening = false;
    this.stopEvents = this.rest.watch(namespace, selector, from, (event) => {
      this.pending.push(event);
      this.isDry = false;
      if (isListening) this.deliver();
    });
    writeHead(this.response, 200, 'application/json');
    this.response.flushHeaders(); // a client waits for them
    this.response.on('close', () => {
      this.stop();
      onEnd();
    });
    const pace = { stallMs: this.stallMs, endsWithSource: false };
    this.writer = new PacedWriter(this.response, this.lines(), pace);
    isListening = true;
    this.deliver();
    if (bookmarks) this.timers.push(setInterval(this.sendBookmark.bind(this), BOOKMARK_MS));
    this.timers.push(setTimeout(this.end.bind(this), timeoutMs));
  }

  private deliver(): void {
    this.writer?.pump();
    if (this.pending.length - this.next > MOST_PENDING) this.response.destroy();
  }

  /** Ends the watch after what is written, so that the client can resume. */
  end(): void {
    if (this.query.bookmarks) this.sendBookmark();
    this.stop();
    this.writer?.end();
  }

  private stop(): void {
    this.stopEvents();
    this.timers.forEach(clearInterval);
    this.timers = [];
    this.pending = [];
  }

  /** Existing objects, then events. `done` means nothing for now: later calls may return more. */
  private lines(): Iterator<string, undefined> {
    const existing = this.existing();
    return {
      next: () => {
        const first = existing.next();
        if (first.done !== true) return first;
        const event = this.take();
        this.isDry = !event;
        return event ? { done: false, value: this.lineOfEvent(event) } : { done: true, value: undefined };
      },
    };
  }

  private take(): ResourceEvent | undefined {
    const event = this.pending[this.next];
    this.next += 1;
    if (this.next < this.pending.length) return event;
    this.pending = [];
    this.next = 0;
    return event;
  }

  /** Started in the same turn as the events, so that nothing between is missed or repeated. */
  private *existing(): Generator<string, undefined> {
    const { namespace, selector, since, sendInitialEvents } = this.query;
    if (since !== undefined && !sendInitialEvents) return;
    const { revision } = this.rest;
    for (const object of this.rest.list(namespace, selector)) yield this.lineOfEvent({ type: 'ADDED', object });
    if (sendInitialEvents) yield this.bookmark(revision, { 'k8s.io/initial-events-end': 'true' });
  }

  private lineOfEvent({ type, object }: ResourceEvent): string {
    if (this.query.encoding.form.as === 'Object') return `{"type":"${type}","object":${textOf(object)}}\n`;
    const encoded = encodeObject(this.resource, this.query.encoding, object);
    // kubectl reads the columns of the first table only
    const isLaterTable = !this.isFirst && this.query.encoding.form.as === 'Table';
    this.isFirst = false;
    return lineOf({ type, object: isLaterTable ? { ...encoded, columnDefinitions: null } : encoded });
  }

  /** Skipped for a client that lags: a bookmark says that all events before it were sent. */
  private sendBookmark(): void {
    if (this.isDry && !this.response.writableNeedDrain) this.response.write(this.bookmark(this.rest.revision));
  }

  private bookmark(revision: number, annotations?: Record<string, string>): string {
    const metadata = { resourceVersion: String(revision), ...(annotations && { annotations }) };
    const { kind } = this.resource;
    return lineOf({ type: 'BOOKMARK', object: { kind, apiVersion: resourceApiVersion(this.resource), metadata } });
  }
}

function lineOf(line: Json): string {
  return `${JSON.stringify(line)}\n`;
}

/** Cache of the last object as text: all watchers get it in the same turn, most of them in this form. */
let last: { object: StoredObject; text: string } | undefined;

function textOf(object: StoredObject): string {
  if (last?.object !== object) last = { object, text: JSON.stringify(object) };
  return last.text;
}

/** @throws StatusError 400, 422 */
export function watchQuery(
  parameters: URLSearchParams,
  base: Pick<WatchParameters, 'namespace' | 'selector' | 'encoding'>,
): WatchParameters {
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
    // as kube-apiserver: 30 to 60 minutes, a jitter against simultaneous reconnects
    timeoutMs: timeout > 0 ? timeout * 1000 : 1_800_000 * (1 + Math.random()),
  };
}
