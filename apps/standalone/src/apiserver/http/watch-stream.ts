import { type ServerResponse } from 'node:http';
import { type Json, type KubeObject } from '../kube-object';
import { apiVersionOf, type Resource } from '../resources/resource';
import { type ResourceRest, type WatchEvent } from '../rest/resource-rest';
import { type Selector } from '../store/selectors';
import { StatusError } from '../status-error';
import { encodeObject, type Encoding } from './encode';
import { PacedWriter } from './paced-writer';
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
/** A watcher this far behind is cut off, and lists anew or resumes. The history has as many. */
const MOST_PENDING = 10_000;

/** One watch: lines of `{type, object}` until its time is over, the reader goes or stands still, or the server stops. */
export class WatchStream {
  private isFirst = true;
  private readonly resource: Resource;
  private stopEvents = (): void => undefined;
  private timers: NodeJS.Timeout[] = [];
  /** Events for which the reader has had no room yet, from `next` on: their objects are in the store's history too. */
  private pending: WatchEvent[] = [];
  private next = 0;
  /** all that there is was written */
  private isDry = false;
  private writer: PacedWriter | undefined;

  /** @param stallMs after which a reader who takes nothing is cut off */
  constructor(
    private readonly response: ServerResponse,
    private readonly rest: ResourceRest,
    private readonly query: WatchQuery,
    private readonly stallMs: number,
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
      this.response.end(lineOf({ type: 'ERROR', object: error.toStatus() }));
      onEnd();
    }
  }

  /** @throws StatusError 410, as long as nothing was answered */
  private follow(onEnd: () => void): void {
    const { namespace, selector, since, sendInitialEvents, bookmarks, timeoutMs } = this.query;
    const from = since === undefined || sendInitialEvents ? this.rest.revision : since;
    let isListening = false;
    this.stopEvents = this.rest.watch(namespace, selector, from, (event) => {
      this.pending.push(event);
      this.isDry = false;
      if (isListening) this.deliver();
    });
    begin(this.response, 200, 'application/json');
    this.response.flushHeaders(); // a watcher waits for these before it reads
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

  /** Ends it in order: the reader resumes where it was. */
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

  /** What there is to say, in order: it ends where that is all for now, and may go on later. */
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

  private take(): WatchEvent | undefined {
    const event = this.pending[this.next];
    this.next += 1;
    if (this.next < this.pending.length) return event;
    this.pending = [];
    this.next = 0;
    return event;
  }

  /** Begun in the turn in which the events begin: nothing is missed between, or comes twice. */
  private *existing(): Generator<string, undefined> {
    const { namespace, selector, since, sendInitialEvents } = this.query;
    if (since !== undefined && !sendInitialEvents) return;
    const { revision } = this.rest;
    for (const object of this.rest.list(namespace, selector)) yield this.lineOfEvent({ type: 'ADDED', object });
    if (sendInitialEvents) yield this.bookmark(revision, { 'k8s.io/initial-events-end': 'true' });
  }

  private lineOfEvent({ type, object }: WatchEvent): string {
    if (this.query.encoding.form.as === 'Object') return `{"type":"${type}","object":${textOf(object)}}\n`;
    const encoded = encodeObject(this.resource, this.query.encoding, object);
    // kubectl takes the columns from the first table
    const isLaterTable = !this.isFirst && this.query.encoding.form.as === 'Table';
    this.isFirst = false;
    return lineOf({ type, object: isLaterTable ? { ...encoded, columnDefinitions: null } : encoded });
  }

  /** Not to a reader who lags: it says that all before it has been said. */
  private sendBookmark(): void {
    if (this.isDry && !this.response.writableNeedDrain) this.response.write(this.bookmark(this.rest.revision));
  }

  private bookmark(revision: number, annotations?: Record<string, string>): string {
    const metadata = { resourceVersion: String(revision), ...(annotations && { annotations }) };
    const { kind } = this.resource;
    return lineOf({ type: 'BOOKMARK', object: { kind, apiVersion: apiVersionOf(this.resource), metadata } });
  }
}

function lineOf(line: Json): string {
  return `${JSON.stringify(line)}\n`;
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
