import { createServer, type Server } from 'node:https';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Logger } from 'pino';
import { type RequestAudit } from '../audit/request-audit';
import { type RequestFacts } from '../audit/request-event';
import { type Authorization, type User } from '../auth/authorization';
import { type Json, type StoredObject } from '../kube-object';
import { type OpenApiRoutes } from '../openapi/open-api-routes';
import { type Resource } from '../resources/resource';
import { type ResourceRest } from '../rest/resource-rest';
import { qualified, StatusError } from '../status-error';
import { type InFlight } from './in-flight';
import { sendError, sendJson, sendText } from './reply';
import { resourcePath, type ResourcePath } from './resource-path';
import { type ResourceRoutes } from './resource-routes';
import { review } from './reviews';
import { isLongRunning, type Verb, verbOf } from './verb';

const PROBES = ['/healthz', '/livez', '/readyz'];
/** kubectl reads major and minor. The newest version whose behaviour is implemented. */
const VERSION = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0+fast-sandbox',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
};
/** Slow clients are disconnected; the largest body is 3 MiB. Node checks the timeouts every two seconds. */
const LIMITS = {
  ...{ handshakeTimeout: 10_000, headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 2_000 },
  keepAliveTimeout: 90_000,
};
const CLOSE_MS = 2_000;
const IDLE_MS = 20;

export interface Parts {
  readonly rests: readonly ResourceRest[];
  readonly routes: ResourceRoutes;
  readonly authorization: Authorization;
  /** discovery documents by path, answers to GET */
  readonly documents: ReadonlyMap<string, Json>;
  readonly openApi: OpenApiRoutes;
  /** seats of all requests except watches and followed logs */
  readonly requests: InFlight;
  /** a client that reads nothing of an answer for so long is disconnected */
  readonly stallMs: number;
  /** absent: nothing is recorded */
  readonly audit?: RequestAudit | undefined;
  readonly logger: Logger;
}

/** The API over HTTPS: authenticates, authorizes and routes requests. */
export class ApiServer {
  private readonly server: Server;
  private readonly rests: ReadonlyMap<string, ResourceRest>;

  constructor(
    tls: { cert: Buffer; key: Buffer },
    private readonly parts: Parts,
  ) {
    this.rests = new Map(parts.rests.map((rest) => [keyOf(rest.resource), rest]));
    this.server = createServer({ ...tls, ...LIMITS, minVersion: 'TLSv1.2' }, (request, response) => {
      void this.handle(request, response);
    });
  }

  listen({ host, port }: { host: string; port: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, resolve);
    });
  }

  /** Graceful stop: answers requests in flight, ends watches, closes connections after two seconds at the latest. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
    this.parts.routes.stop();
    const idle = setInterval(() => {
      this.server.closeIdleConnections(); // connections of watches become idle later
    }, IDLE_MS);
    const forceClose = setTimeout(() => {
      this.server.closeAllConnections();
    }, CLOSE_MS);
    await closed;
    clearInterval(idle);
    clearTimeout(forceClose);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const facts: RequestFacts = { request, receivedAt: Date.now(), address: request.socket.remoteAddress };
    this.parts.audit?.follow(facts, response);
    try {
      await this.route(facts, response);
    } catch (error) {
      const hasLeft = request.destroyed && !request.complete; // disconnected while it sent its body
      const isOurs = sendError(response, error);
      if (isOurs && !hasLeft)
        this.parts.logger.error({ msg: 'request failed', method: request.method, url: request.url, err: error });
    } finally {
      request.resume(); // drain an unread body, which would block the connection
      if (response.writableEnded && !response.writableFinished) {
        response.setTimeout(this.parts.stallMs, response.destroy.bind(response)); // Node resets it for the next request
      }
    }
    const { method, url } = request;
    this.parts.logger.debug({ msg: 'answered', method, url, code: response.statusCode });
  }

  private async route(facts: RequestFacts, response: ServerResponse): Promise<void> {
    const { request } = facts;
    const { pathname, searchParams: query } = urlOf(request);
    if (PROBES.includes(pathname)) {
      sendText(response, 200, 'ok');
      return;
    }
    if (pathname === '/version') {
      sendJson(response, 200, VERSION);
      return;
    }
    const user = this.parts.authorization.authenticate(request.headers.authorization);
    facts.user = user;
    if (Object.keys(request.headers).some((name) => name.startsWith('impersonate-'))) {
      throw new StatusError(403, 'Forbidden', 'impersonation is not served here');
    }
    const path = resourcePath(pathname);
    if (!isLongRunning(request.method, path, query)) response.once('close', this.parts.requests.enter(user.name));
    const document = this.parts.documents.get(pathname.replace(/\/$/, ''));
    if (document && request.method === 'GET') {
      sendJson(response, 200, document);
      return;
    }
    if (pathname.startsWith('/openapi/') && this.parts.openApi.serve(pathname, request, response)) return;
    const reviewed = await review(pathname, request, user, this.parts.authorization);
    if (reviewed) {
      sendJson(response, 201, reviewed);
      return;
    }
    if (!path) throw StatusError.notServed(pathname);
    const rest = this.restOf(path);
    const verb = verbOf(request.method ?? '', path, query);
    Object.assign(facts, { path, verb });
    this.authorize(user, verb, path);
    facts.isAllowed = true;
    const answered = ({ metadata }: StoredObject): void => {
      facts.object = metadata;
    };
    await this.parts.routes.serve(verb, { request, response, query, path, rest, user: user.name, answered });
  }

  /** @throws StatusError 404 */
  private restOf(path: ResourcePath): ResourceRest {
    const rest = this.rests.get(keyOf(path));
    const what = qualified(path.plural, path.group);
    if (!rest) throw StatusError.notServed(what);
    const { namespaced, hasStatus, kind } = rest.resource;
    const subresources = ['', ...(hasStatus ? ['status'] : []), ...(kind === 'Pod' ? ['log', 'binding'] : [])];
    if (!subresources.includes(path.subresource)) throw StatusError.notServed(`${what}/${path.subresource}`);
    const isMisplaced = namespaced ? path.namespace === '' && path.name !== '' : path.namespace !== '';
    if (isMisplaced) throw StatusError.notServed(`this path of ${what}`);
    return rest;
  }

  private authorize(user: User, verb: Verb, path: ResourcePath): void {
    const { plural, subresource } = path;
    this.parts.authorization.authorize(user, verb, subresource === '' ? plural : `${plural}/${subresource}`, path);
  }
}

/** @throws StatusError 400 */
function urlOf({ url = '/' }: IncomingMessage): URL {
  if (!URL.canParse(url, 'https://localhost')) throw StatusError.badRequest('the path is not one of a URL');
  return new URL(url, 'https://localhost');
}

function keyOf({ group, version, plural }: Pick<Resource, 'group' | 'version' | 'plural'>): string {
  return `${group}/${version}/${plural}`;
}
