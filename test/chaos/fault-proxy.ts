import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, createServer, request, type Server } from 'node:https';
import { type Duplex, pipeline } from 'node:stream';
import { type MachineStack } from '../support/machine-stack';

export interface ProxyFault {
  readonly answer: '500' | '409' | '429' | 'nothing' | 'drop';
  /** a service with all its replicas, matched by User-Agent; or `all` */
  readonly clients: string;
  readonly methods: 'all' | 'writes' | 'reads';
  /** share in [0, 1] of the matching requests */
  readonly share: number;
}

const REASONS: Readonly<Record<string, string>> = {
  '500': 'InternalError',
  '409': 'Conflict',
  '429': 'TooManyRequests',
};
const CONNECTIONS = 512;

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * A proxy between the services and the API server: passes requests and watches through, and answers itself during a
 * fault.
 */
export class FaultProxy {
  private readonly faults = new Set<ProxyFault>();
  private readonly open = new Set<Exchange>();
  private readonly sockets = new Set<Duplex>();
  private server: Server | undefined;
  private agent: Agent | undefined;

  constructor(
    private readonly stack: MachineStack,
    private readonly draw: () => number,
  ) {}

  /** Starts with the API server's own certificate, which is valid for 127.0.0.1. */
  async start(): Promise<void> {
    const { proxyPort } = this.stack.addresses;
    const { ca, cert, key } = this.stack.tls;
    this.agent = new Agent({ ca, keepAlive: true, maxSockets: CONNECTIONS, timeout: 30_000 });
    const server = createServer({ cert, key });
    this.server = server;
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    server.on('request', (incoming, response) => {
      this.take({ incoming, response });
    });
    server.on('tlsClientError', () => undefined); // a client was killed during the handshake
    server.listen(proxyPort, '127.0.0.1');
    await once(server, 'listening');
  }

  /** @returns function that ends the fault */
  begin(fault: ProxyFault): () => void {
    this.faults.add(fault);
    for (const { incoming, response } of this.open) {
      // a partition also breaks established watches
      if (fault.answer === 'drop' && this.fits(fault, incoming)) response.destroy();
    }
    return () => {
      this.faults.delete(fault);
      for (const { response } of this.open) if (this.held.has(response)) response.destroy();
    };
  }

  async stop(): Promise<void> {
    const { server } = this;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.sockets) socket.destroy();
    this.agent?.destroy();
    await closed;
  }

  private readonly held = new WeakSet<ServerResponse>();

  private take(exchange: Exchange): void {
    const { incoming, response } = exchange;
    this.open.add(exchange);
    response.once('close', () => this.open.delete(exchange));
    response.on('error', () => undefined); // its client is gone
    const fault = [...this.faults].find((known) => this.fits(known, incoming) && this.draw() < known.share);
    if (!fault) this.pass(exchange);
    else this.answer(fault, exchange);
  }

  private answer({ answer }: ProxyFault, { incoming, response }: Exchange): void {
    incoming.resume();
    if (answer === 'drop') response.destroy();
    else if (answer === 'nothing') this.held.add(response);
    else {
      const reason = REASONS[answer] ?? '';
      const body = {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason,
        message: 'chaos',
        code: Number(answer),
      };
      response.writeHead(Number(answer), { 'content-type': 'application/json', 'retry-after': '1' });
      response.end(JSON.stringify(body));
    }
  }

  private pass({ incoming, response }: Exchange): void {
    const [host, port] = this.stack.addresses.api.split(':');
    const { method, url: path, headers } = incoming;
    const outgoing = request({ agent: this.agent, host, port, method, path, headers });
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      pipeline(answer, response, () => undefined); // the end of either side ends the other
    });
    outgoing.on('error', () => response.destroy());
    response.once('close', () => outgoing.destroy());
    pipeline(incoming, outgoing, () => undefined);
  }

  private fits({ clients, methods }: ProxyFault, { method = '', headers }: IncomingMessage): boolean {
    const isRead = method === 'GET';
    if (methods !== 'all' && (methods === 'reads') !== isRead) return false;
    return clients === 'all' || headers['user-agent']?.startsWith(clients) === true;
  }
}
