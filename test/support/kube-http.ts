import { type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type Json } from '../../apps/standalone/src/apiserver/kube-object';

const REQUEST_MS = 30_000;

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  // untyped: the tests check the shape
  readonly body: Json & { metadata?: Json; items?: Json[]; message?: string; reason?: string };
}

/** Raw requests to an API server, without a client library that would correct them. */
export class KubeHttp {
  private readonly agent: Agent;

  constructor(
    private readonly port: number,
    ca: string,
    private readonly token: string,
    private readonly host = '127.0.0.1',
  ) {
    this.agent = new Agent({ ca, keepAlive: true });
  }

  end(): void {
    this.agent.destroy();
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const response = await this.open(method, path, body, headers);
    const content = await text(response);
    const isJson = response.headers['content-type']?.startsWith('application/json') === true;
    const parsed = isJson ? (JSON.parse(content) as Reply['body']) : { message: content };
    return { status: response.statusCode ?? 0, headers: response.headers, body: parsed };
  }

  /** Events of a watch, appended as they arrive. Destroying the response ends the watch. */
  async watch(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ events: Json[]; response: IncomingMessage }> {
    const response = await this.open('GET', path, undefined, headers);
    const events: Json[] = [];
    createInterface(response).on('line', (line) => events.push(JSON.parse(line) as Json));
    return { events, response };
  }

  private open(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<IncomingMessage> {
    return new Promise((done, failed) => {
      const content = body === undefined || typeof body === 'string' ? (body ?? '') : JSON.stringify(body);
      const all = {
        authorization: `Bearer ${this.token}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(content), // Node sends none with the body of a DELETE
        ...headers,
      };
      const { agent, host, port } = this;
      const call = request({ host, port, path, method, agent, headers: all, timeout: REQUEST_MS }, done);
      call.on('error', failed);
      call.end(content);
    });
  }
}
