import { type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { type StoredObject } from '../kube-object';
import { type PatchType } from '../rest/patch';
import { type DeleteOptions, type ResourceRest, type Written } from '../rest/resource-rest';
import { StatusError } from '../status-error';
import { type Selector } from '../store/selectors';
import { acceptedForm } from './accept';
import { mediaType, objectBody, parseRequestBody, readRequestBody } from './body';
import { encodeObject, type Encoding, includeObject, listPieces } from './encode';
import { InFlight } from './in-flight';
import { parseDeleteOptions, positive, writeOptions } from './options';
import { Pages } from './pages';
import { type PodLogs } from './pod-logs';
import { sendJson, sendPieces, setWarnings } from './reply';
import { type ResourcePath } from './resource-path';
import { type Verb } from './verb';
import { watchQuery, WatchStream } from './watch-stream';

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly path: ResourcePath;
  readonly rest: ResourceRest;
  /** name of the user */
  readonly user: string;
  /** called with the object that was answered or removed */
  readonly answered: (object: StoredObject) => void;
}

export interface RouteSettings {
  /** concurrent watches and followed logs of all users together */
  readonly maxWatches: number;
  /** a client that reads nothing for so long is disconnected */
  readonly stallMs: number;
}

const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  'application/merge-patch+json': 'merge',
  'application/json-patch+json': 'json',
  'application/strategic-merge-patch+json': 'strategic',
};

const binding = z.object({ target: z.object({ kind: z.literal('Node').optional(), name: z.string().min(1) }) });

/** Handlers of the verbs. */
export class ResourceRoutes {
  private readonly pages = new Pages();
  private readonly watches = new Set<WatchStream>();
  private readonly longRunning: InFlight;

  constructor(
    private readonly logs: PodLogs,
    private readonly settings: RouteSettings,
  ) {
    this.longRunning = new InFlight('watches', settings.maxWatches);
  }

  async serve(verb: Verb, call: Call): Promise<void> {
    const { path, rest, response } = call;
    switch (verb) {
      case 'get':
        if (path.subresource === 'log') return this.log(call);
        this.answer(call, 200, rest.get(path.namespace, path.name));
        return;
      case 'list':
        this.list(call);
        return;
      case 'watch':
        this.watch(call);
        return;
      case 'create':
        return path.subresource === 'binding' ? this.bind(call) : this.create(call);
      case 'update':
        return this.update(call);
      case 'patch':
        return this.patch(call);
      case 'delete':
        return this.delete(call);
      case 'deletecollection':
        sendPieces(response, await this.deleteAll(call), this.settings.stallMs);
    }
  }

  /** Ends all watches and followed logs, so that the server can stop. */
  stop(): void {
    for (const watch of this.watches) watch.end();
    this.logs.stop();
  }

  private log(call: Call): Promise<void> {
    const { path, query, rest, response, user } = call;
    const pod = rest.get(path.namespace, path.name);
    if (query.get('follow') === 'true') response.once('close', this.longRunning.enter(user));
    else response.setTimeout(this.settings.stallMs, response.destroy.bind(response));
    return this.logs.serve(pod, call);
  }

  private list(call: Call): void {
    const { path, query, rest, response } = call;
    const selector = selectorOf(call);
    const limit = positive(query, 'limit') ?? 0;
    const token = query.get('continue') ?? '';
    const page =
      token === ''
        ? this.pages.first(rest.list(path.namespace, selector), rest.revision, limit)
        : this.pages.next(token, limit);
    const pieces = listPieces(rest.resource, encodingOf(call), page.objects, page.metadata);
    sendPieces(response, pieces, this.settings.stallMs);
  }

  private watch(call: Call): void {
    const { path, query, rest, response, user } = call;
    const base = { namespace: path.namespace, selector: selectorOf(call), encoding: encodingOf(call) };
    const asked = watchQuery(query, base);
    response.once('close', this.longRunning.enter(user));
    const stream = new WatchStream(response, rest, asked, this.settings.stallMs);
    this.watches.add(stream);
    stream.start(() => this.watches.delete(stream));
  }

  private async create(call: Call): Promise<void> {
    const { path, query, rest, request } = call;
    const body = objectBody(mediaType(request), await readRequestBody(request));
    this.written(call, 201, await rest.create(path.namespace, body, writeOptions(query)));
  }

  private async update(call: Call): Promise<void> {
    const { path, query, rest, request } = call;
    const body = objectBody(mediaType(request), await readRequestBody(request));
    const written = await rest.update(path, subresourceOf(path), body, writeOptions(query));
    this.written(call, written.isNew === true ? 201 : 200, written);
  }

  private async patch(call: Call): Promise<void> {
    const { path, query, rest, request } = call;
    const media = mediaType(request);
    const type = PATCH_TYPES[media];
    if (!type) {
      const why =
        media === 'application/apply-patch+yaml' || media === 'application/apply-patch+cbor'
          ? 'server-side apply is not served here: leave out --server-side, or send another patch'
          : `${media} is no patch`;
      throw StatusError.unsupportedMediaType(`${why}; allowed are ${Object.keys(PATCH_TYPES).join(', ')}`);
    }
    const patch = { type, body: parseRequestBody(media, await readRequestBody(request)) };
    this.written(call, 200, await rest.patch(path, subresourceOf(path), patch, writeOptions(query)));
  }

  private async delete(call: Call): Promise<void> {
    const { path, rest, response } = call;
    const { object, gone } = await rest.delete(path.namespace, path.name, await deleteOptionsOf(call));
    if (!gone) {
      this.answer(call, 200, object);
      return;
    }
    call.answered(object);
    const { plural: kind, group } = rest.resource;
    const { name, uid } = object.metadata;
    const details = { name, uid, kind, ...(group !== '' && { group }) };
    sendJson(response, 200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
  }

  private async deleteAll(call: Call): Promise<Iterator<string, undefined>> {
    const { path, rest } = call;
    const options = await deleteOptionsOf(call);
    const objects = rest.list(path.namespace, selectorOf(call));
    const deletions = objects.map(({ metadata: { namespace = '', name, uid } }) =>
      rest.delete(namespace, name, { ...options, ...(uid !== undefined && { preconditions: { uid } }) }),
    );
    const failed = (await Promise.allSettled(deletions)).flatMap((done) =>
      done.status === 'rejected' ? [done.reason as unknown] : [],
    );
    // gone or replaced meanwhile: as requested
    const failure = failed.find((reason) => !(reason instanceof StatusError && [404, 409].includes(reason.code)));
    if (failure instanceof Error) throw failure;
    return listPieces(rest.resource, encodingOf(call), objects, { resourceVersion: String(rest.revision) });
  }

  private async bind({ path, rest, request, response }: Call): Promise<void> {
    const parsed = binding.safeParse(objectBody(mediaType(request), await readRequestBody(request)));
    if (!parsed.success) throw StatusError.badRequest(`the Binding: ${z.prettifyError(parsed.error)}`);
    await rest.bind(path.namespace, path.name, parsed.data.target.name);
    sendJson(response, 201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
  }

  private written(call: Call, code: number, { object, warnings }: Written): void {
    setWarnings(call.response, warnings);
    this.answer(call, code, object);
  }

  private answer(call: Call, code: number, object: StoredObject): void {
    call.answered(object);
    sendJson(call.response, code, encodeObject(call.rest.resource, encodingOf(call), object));
  }
}

function encodingOf({ request, query }: Call): Encoding {
  return { form: acceptedForm(request.headers.accept), include: includeObject(query.get('includeObject')) };
}

function selectorOf({ query, rest }: Call): Selector {
  return rest.selector(query.get('labelSelector'), query.get('fieldSelector'));
}

function subresourceOf({ subresource }: ResourcePath): '' | 'status' {
  return subresource === 'status' ? 'status' : '';
}

async function deleteOptionsOf({ request, query }: Call): Promise<DeleteOptions> {
  const body = await readRequestBody(request);
  return parseDeleteOptions(body.length === 0 ? {} : parseRequestBody(mediaType(request), body), query);
}
