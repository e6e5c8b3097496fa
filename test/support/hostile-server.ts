import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TlsIdentity } from '@fsb/component-base/tls-folder';
import { type HostilePeer } from './hostile-run';

const REFUSED = JSON.stringify({ success: false, sandboxId: '', createdAt: 0, message: 'refused' });
/** Larger than the socket buffers of both sides, so never sent whole to a caller that does not read. */
const LONG_BODY = Buffer.alloc(8 * 1024 * 1024, 'a line of a log\n');
const LATE_MS = 30;

/** One failure of a server. `broken` is called at the moment when the caller should leave. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse, broken: () => void) => void;

const refusal =
  (status: number): Behaviour =>
  (_request, response, broken) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(REFUSED);
    broken();
  };

/** One entry per failure, all over a real TLS connection. */
const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  'breaks off before the headers': ({ socket }, _response, broken) => {
    broken();
    socket.destroy();
  },
  'ends the connection before the headers': ({ socket }, _response, broken) => {
    socket.end();
    broken();
  },
  'breaks off after the headers': ({ socket }, response, broken) => {
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    setImmediate(() => {
      broken();
      socket.destroy();
    });
  },
  'breaks off in the body': ({ socket }, response, broken) => {
    response.writeHead(200, { 'content-length': '1000' }).write('{"success":', () => {
      broken();
      socket.destroy();
    });
  },
  'breaks a chunked body off': (_request, response, broken) => {
    response.writeHead(200).write('{"type":"heartbeat"}\n', () => {
      broken();
      response.destroy();
    });
  },
  'answers 404': refusal(404),
  'answers 409': refusal(409),
  'answers 500': refusal(500),
  'answers 503': refusal(503),
  'answers 503 and ends the connection': ({ socket }, response, broken) => {
    response.writeHead(503).end(REFUSED, () => {
      broken();
      socket.destroy();
    });
  },
  'answers 404 without an end': (_request, response, broken) => {
    response.writeHead(404).write(REFUSED);
    broken();
  },
  'answers with what is no HTTP': ({ socket }, _response, broken) => {
    socket.end('no HTTP at all\r\n\r\n');
    broken();
  },
  'answers with what is no JSON': (_request, response, broken) => {
    response.writeHead(200).end('no JSON');
    broken();
  },
  'answers more than anybody reads': (_request, response, broken) => {
    response.writeHead(200).end(LONG_BODY);
    broken();
  },
  'answers too late': (_request, response, broken) => {
    broken();
    setTimeout(() => response.writeHead(200).end('{"success":true}'), LATE_MS);
  },
  'never answers': (_request, _response, broken) => {
    broken();
  },
  'answers well': (_request, response, broken) => {
    response.writeHead(200).end('{"success":true,"sandboxStatuses":[]}');
    broken();
  },
};

/** An HTTPS server that answers every request with its current behaviour. */
export class HostileServer implements HostilePeer {
  readonly behaviours = Object.keys(BEHAVIOURS);
  behaviour: Behaviour = BEHAVIOURS['answers well']!;
  broken: () => void = () => undefined;
  private readonly sockets = new Set<Socket>();
  private readonly unanswered = new Set<ServerResponse>();

  private constructor(private readonly server: Server) {
    server.on('secureConnection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
    });
    server.on('tlsClientError', () => undefined);
  }

  /** @param requestCert whether the server requests a client certificate */
  static async start(identity: TlsIdentity, requestCert = true): Promise<HostileServer> {
    const server = createServer({ ...identity, requestCert, minVersion: 'TLSv1.3', keepAliveTimeout: 60_000 });
    const hostile = new HostileServer(server);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      request.on('error', () => undefined).resume();
      response.on('error', () => undefined);
      hostile.unanswered.add(response);
      const ended = (): void => void hostile.unanswered.delete(response);
      response.once('finish', ended).once('close', ended);
      request.once('end', () => {
        hostile.behaviour(request, response, () => {
          hostile.broken();
        });
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return hostile;
  }

  begin(behaviour: string): void {
    this.behaviour = BEHAVIOURS[behaviour]!;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get held(): number {
    return this.unanswered.size;
  }

  /** Waits up to one second for the callers to close their connections. @returns the number still open */
  async closed(): Promise<number> {
    for (let i = 0; i < 100 && this.sockets.size > 0; i++) await sleep(10);
    return this.sockets.size;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
