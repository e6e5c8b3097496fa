import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server } from 'node:https';
import { createServer, type Server as Listener, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  AGENT_PATHS,
  type BindSandboxRequest,
  type CreateSandboxRequest,
  type DeleteSandboxRequest,
  type DrainRequest,
} from '@fsb/agent-api/agent-api';
import { type TlsIdentity } from '@fsb/component-base/tls-folder';
import { type SimulatedAgent } from './simulated-agent';

/** Number of requests by the last segment of their path. */
export type Requests = Record<string, number>;

interface Opened {
  readonly agent: SimulatedAgent;
  readonly listener: Listener;
  readonly sockets: Set<Socket>;
}

/**
 * HTTP API of all agents: one HTTPS server behind one listener per agent, each on its own loopback address and the same
 * port.
 */
export class AgentDoor {
  readonly requests: Requests = {};
  private readonly open = new Map<string, Opened>();
  private readonly server: Server;

  constructor(
    private readonly port: number,
    identity: TlsIdentity,
  ) {
    this.server = createHttpsServer(
      { ...identity, requestCert: true, keepAliveTimeout: 60_000 },
      (request, response) => {
        void this.handle(request, response).catch(() => response.destroy());
      },
    );
  }

  async add(address: string, agent: SimulatedAgent): Promise<void> {
    const sockets = new Set<Socket>();
    const listener = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      this.server.emit('connection', socket);
    });
    listener.listen(this.port, address);
    await once(listener, 'listening');
    this.open.set(address, { agent, listener, sockets });
  }

  /** Simulates the loss of the node: stops listening and breaks every connection. */
  remove(address: string): void {
    const opened = this.open.get(address);
    if (!opened) return;
    this.open.delete(address);
    opened.agent.stop();
    opened.listener.close();
    for (const socket of opened.sockets) socket.destroy();
  }

  close(): void {
    for (const address of [...this.open.keys()]) this.remove(address);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const agent = this.open.get(request.socket.localAddress ?? '')?.agent;
    const [path = '', query = ''] = (request.url ?? '').split('?');
    if (!agent) {
      answer(response, 503, {});
      return;
    }
    const what = query === 'watch=true' ? 'watch' : path.slice(path.lastIndexOf('/') + 1);
    this.requests[what] = (this.requests[what] ?? 0) + 1;
    if (what === 'watch') agent.watch(response);
    else if (path === AGENT_PATHS.status) answer(response, 200, agent.status());
    else command(agent, path, JSON.parse(await text(request)), response);
  }
}

function command(agent: SimulatedAgent, path: string, body: unknown, response: ServerResponse): void {
  switch (path) {
    case AGENT_PATHS.create: {
      const created = agent.create(body as CreateSandboxRequest);
      answer(response, created.code, created.body);
      return;
    }
    case AGENT_PATHS.bind:
      agent.bind(body as BindSandboxRequest);
      break;
    case AGENT_PATHS.delete:
      agent.delete((body as DeleteSandboxRequest).sandboxId);
      break;
    case AGENT_PATHS.drain:
      agent.drain((body as DrainRequest).draining);
      break;
    default:
      answer(response, 404, {});
      return;
  }
  answer(response, 200, { success: true });
}

function answer(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
