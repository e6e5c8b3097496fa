import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  Agent as HttpAgent,
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, createServer as createTlsServer, request as httpsRequest } from 'node:https';
import { type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TLSSocket } from 'node:tls';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** A request held on its way: before the server receives it, or before its answer reaches the client. */
export interface Held {
  /** resolves when a request is held */
  readonly reached: Promise<Asked>;
  release(): void;
}

/** An answer that the gate gives in place of the server. */
export interface Refusal {
  readonly matches: (asked: Asked) => boolean;
  readonly status: number;
  readonly body: object;
}

interface Hold {
  readonly matches: (asked: Asked) => boolean;
  readonly where: 'question' | 'answer';
  readonly reach: (asked: Asked) => void;
  readonly released: Promise<void>;
}

export interface GateOptions {
  readonly target: number;
  readonly host?: string;
  readonly port?: number;
  /** TLS on both sides */
  readonly tls?: GateTls;
}

export interface GateTls {
  /** certificate shown to the clients */
  readonly server: { readonly cert: string; readonly key: string };
  /** CA of the server behind the gate, and the certificate shown to it */
  readonly client: { readonly ca: string; readonly cert?: string; readonly key?: string };
}

/** @param folder with `ca.crt`, `tls.crt` and `tls.key` of a server at 127.0.0.1 */
export function tlsOf(folder: string): GateTls {
  const pem = (name: string): string => readFileSync(join(folder, name), 'utf8');
  return { server: { cert: pem('tls.crt'), key: pem('tls.key') }, client: { ca: pem('ca.crt') } };
}

/**
 * A proxy between one client and a real server, that records the client's requests and can hold, refuse or cut them.
 */
export class Gate {
  readonly asked: Asked[] = [];
  private readonly holds: Hold[] = [];
  private refusal: Refusal | undefined;
  private readonly sockets = new Set<Socket>();
  private readonly upstream: HttpAgent | HttpsAgent;
  private readonly server: Server;
  private blocked: Promise<void> | undefined;

  private constructor(private readonly options: GateOptions) {
    const { tls } = options;
    const listener = (question: IncomingMessage, answer: ServerResponse): void => {
      // a peer that disconnects is what these tests are about
      void this.pass(question, answer).catch(() => answer.destroy());
    };
    if (tls === undefined) {
      this.upstream = new HttpAgent({ keepAlive: true });
      this.server = createServer(listener);
    } else {
      this.upstream = new HttpsAgent({ keepAlive: true, ...tls.client });
      this.server = createTlsServer(tls.server, listener);
    }
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  static async open(options: GateOptions): Promise<Gate> {
    const gate = new Gate(options);
    gate.server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
    await once(gate.server, 'listening');
    return gate;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port; // it listens
  }

  /** Holds the next request that matches, and only that one. */
  hold(where: Hold['where'], matches: (asked: Asked) => boolean): Held {
    let [reach, release]: [(asked: Asked) => void, () => void] = [() => undefined, () => undefined];
    const reached = new Promise<Asked>((done) => (reach = done));
    const released = new Promise<void>((done) => (release = done));
    this.holds.push({ matches, where, reach, released });
    return { reached, release };
  }

  /** Answers every matching request from now on with `refusal`; undefined: no longer. */
  refuse(refusal: Refusal | undefined): void {
    this.refusal = refusal;
  }

  /** Cuts every connection and blocks new requests. @returns the function that unblocks them */
  shut(): () => void {
    let open: () => void = () => undefined;
    this.blocked = new Promise<void>((done) => (open = done));
    for (const socket of this.sockets) socket.destroy();
    return () => {
      this.blocked = undefined;
      open();
    };
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    this.upstream.destroy();
    await once(this.server, 'close');
  }

  private async pass(question: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(question);
    const asked = { method: question.method ?? '', path: question.url ?? '', body: body.toString() };
    this.asked.push(asked);
    await this.blocked;
    await this.stop('question', asked);
    if (answer.destroyed) return; // the client left, so the request is never sent
    if (this.refusal?.matches(asked)) {
      const { status, body: reason } = this.refusal;
      answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reason));
      return;
    }
    const reply = await this.forward(question, body, answer);
    await this.stop('answer', asked);
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    answer.flushHeaders();
    reply.pipe(answer);
  }

  private async stop(where: Hold['where'], asked: Asked): Promise<void> {
    const index = this.holds.findIndex((hold) => hold.where === where && hold.matches(asked));
    const [hold] = index < 0 ? [] : this.holds.splice(index, 1);
    hold?.reach(asked);
    await hold?.released;
  }

  private forward(question: IncomingMessage, body: Buffer, answer: ServerResponse): Promise<IncomingMessage> {
    const { target, tls } = this.options;
    const { method, url: path, headers } = question;
    const to = { host: '127.0.0.1', port: target, agent: this.upstream, method, path, headers };
    const { servername } = question.socket as TLSSocket; // false or absent: the certificate is checked by the address
    const asAsked = typeof servername === 'string' ? { ...to, servername } : to;
    return new Promise((done, failed) => {
      const request = tls === undefined ? httpRequest(to, done) : httpsRequest(asAsked, done);
      request.on('error', failed);
      answer.on('close', () => request.destroy());
      request.end(body);
    });
  }
}
