import { createReadStream, type FSWatcher, watch } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { type ServerResponse } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fieldAt, isJson, type StoredObject } from '../kube-object';
import { type ResourceRest } from '../rest/resource-rest';
import { type Selector } from '../store/selectors';
import { StatusError } from '../status-error';
import { writeHead } from './reply';

const NOT_SERVED = ['timestamps', 'sinceSeconds', 'sinceTime', 'limitBytes'];
const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 10;

interface LogRequest {
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly rest: ResourceRest;
}

/** Serves `kubectl logs` from `<directory>/<pod uid>/<container>/<n>.log`; the node writes a file for each start. */
export class PodLogs {
  private readonly following = new Set<ServerResponse>();

  constructor(private readonly directory: string) {}

  /** @throws StatusError 400, 404 */
  async serve(pod: StoredObject, { response, query, rest }: LogRequest): Promise<void> {
    const refused = NOT_SERVED.find((name) => !['', 'false'].includes(query.get(name) ?? ''));
    if (refused !== undefined) throw StatusError.badRequest(`${refused} is not served here`);
    const tail = query.get('tailLines');
    if (tail !== null && !/^\d{1,9}$/.test(tail)) throw StatusError.badRequest(`tailLines: "${tail}" is not a number`);
    const folder = join(this.directory, pod.metadata.uid ?? '', containerOf(pod, query.get('container') ?? ''));
    const files = await logFiles(folder);
    const file = files.at(query.get('previous') === 'true' ? -2 : -1);
    if (file === undefined) throw StatusError.badRequest(`container in pod "${pod.metadata.name}" has no log yet`);
    const path = join(folder, file);
    writeHead(response, 200, 'text/plain; charset=utf-8');
    response.flushHeaders();
    const start = tail === null ? 0 : await tailStart(path, Number(tail));
    const following = query.get('follow') === 'true' ? this.changesOf(pod, folder, rest) : undefined;
    if (!following) return pipeline(createReadStream(path, { start }), response);
    response.once('close', following.close);
    try {
      await this.follow(path, start, response, following.changes);
    } finally {
      following.close();
    }
  }

  /** Ends all followed logs. */
  stop(): void {
    for (const response of this.following) response.end();
  }

  /** @returns undefined when the Pod has ended, so that its log is complete */
  private changesOf(
    { metadata: { namespace = '', uid } }: StoredObject,
    folder: string,
    rest: ResourceRest,
  ): { changes: Changes; close: () => void } | undefined {
    const isIt: Selector = ({ metadata }) => metadata.uid === uid;
    const current = rest.list(namespace, isIt)[0];
    if (!current || isOver(current)) return undefined;
    const changes = new Changes(folder);
    const end = rest.watch(namespace, isIt, rest.revision, ({ type, object }) => {
      if (type === 'DELETED' || isOver(object)) changes.finish();
    });
    const close = (): void => {
      end();
      changes.close();
    };
    return { changes, close };
  }

  /** Copies the log until the client disconnects, or the container ends or starts another file. */
  private async follow(path: string, start: number, response: ServerResponse, changes: Changes): Promise<void> {
    this.following.add(response);
    response.once('close', () => {
      this.following.delete(response);
    });
    let position = start;
    let isLast = false;
    while (!response.closed && !response.destroyed) {
      position += await copied(path, position, response);
      if (isLast) break;
      await changes.next();
      isLast = changes.finished || (await logFiles(dirname(path))).at(-1) !== basename(path);
    }
    response.end();
  }
}

/** Changes in a folder, coalesced. */
class Changes {
  /** nothing more will be written */
  finished = false;
  private pending = false;
  private wake: (() => void) | undefined;
  private readonly watcher: FSWatcher;

  constructor(folder: string) {
    this.watcher = watch(folder, () => {
      this.notify();
    });
    this.watcher.on('error', () => {
      this.finish();
    });
  }

  async next(): Promise<void> {
    if (!this.pending) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    this.pending = false;
  }

  finish(): void {
    this.finished = true;
    this.notify();
  }

  close(): void {
    this.watcher.close();
    this.finish();
  }

  private notify(): void {
    this.pending = true;
    this.wake?.();
  }
}

/** Copies from `start` to the current end of the file. @returns number of bytes */
async function copied(path: string, start: number, response: ServerResponse): Promise<number> {
  const stream = createReadStream(path, { start });
  try {
    await pipeline(stream, response, { end: false });
  } catch {
    response.destroy(); // client or file is gone
  }
  return stream.bytesRead;
}

function isOver({ status }: StoredObject): boolean {
  return ['Succeeded', 'Failed'].includes(String(fieldAt(status, ['phase'])));
}

/** Name of a container, checked against the Pod's, so that it cannot be a path. @throws StatusError 400 */
function containerOf({ metadata, spec }: StoredObject, asked: string): string {
  const containers = fieldAt(spec, ['containers']);
  const names = (Array.isArray(containers) ? containers : [])
    .map((container) => (isJson(container) ? container['name'] : undefined))
    .filter((name) => typeof name === 'string');
  const name = asked === '' ? names[0] : names.find((candidate) => candidate === asked);
  if (name !== undefined && /^[a-z0-9-]+$/.test(name)) return name;
  throw StatusError.badRequest(`container ${asked} is not valid for pod ${metadata.name}; it has ${names.join(', ')}`);
}

/** `0.log`, `1.log`, … sorted by number; empty when the node has not started the container. */
async function logFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => /^\d+\.log$/.test(name)).sort((a, b) => parseInt(a, 10) - parseInt(b, 10));
}

/** Offset of the last `lines` lines, searched from the end. */
async function tailStart(path: string, lines: number): Promise<number> {
  await using file = await open(path);
  const { size } = await file.stat();
  let left = lines;
  for (let end = size; end > 0; end -= BLOCK_BYTES) {
    const begins = Math.max(0, end - BLOCK_BYTES);
    const { buffer } = await file.read(Buffer.alloc(end - begins), 0, end - begins, begins);
    for (let at = buffer.length - 1; at >= 0; at -= 1) {
      if (buffer[at] !== NEWLINE || begins + at === size - 1) continue;
      left -= 1;
      if (left <= 0) return begins + at + 1;
    }
  }
  return lines === 0 ? size : 0;
}
