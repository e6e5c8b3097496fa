import { type BlockList, isIPv6, type Socket } from 'node:net';
import { type Http2Server, type ServerHttp2Session } from 'node:http2';
import { type Server } from '@grpc/grpc-js';

export interface ConnectionLimitOptions {
  /** connections of one address whose callers have not shown who they are */
  readonly perAddress: number;
  /** addresses that many callers share, and to which the limit does not apply */
  readonly trustedProxies: BlockList;
}

interface Connection {
  readonly address: string;
  readonly socket: Socket;
  session?: ServerHttp2Session;
  /** a call of this connection was authenticated: it counts for its address no more */
  isKnown: boolean;
  refusals: number;
}

/** Node's own is two minutes. */
const HANDSHAKE_MS = 10_000;
/** Refused calls of a connection without one that was let in; then the connection is ended. */
const MAX_REFUSALS = 100;
/** What is left of such a connection's calls gets this long. */
const GOODBYE_MS = 1_000;

/** The private servers of grpc-js, one for each bound address. */
interface Http2Servers {
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>;
}

/**
 * What a gateway keeps of connections before their callers are known: so many of one address, each with ten seconds for its
 * handshake and a bounded number of refused calls. grpc-js gives no access to its connections but through its HTTP/2 server.
 */
export class ConnectionLimits {
  private readonly connections = new Map<string, Connection>();
  private readonly unknown = new Map<string, number>();

  constructor(private readonly options: ConnectionLimitOptions) {}

  /** @param server that is bound, as Nest's is before its services are added. @throws Error where it is not */
  guard(server: Server): void {
    const { http2Servers } = server as unknown as Http2Servers;
    if (http2Servers.size === 0) throw new Error('the gRPC server is not bound: its connections cannot be limited');
    for (const http2 of http2Servers.keys()) {
      http2.prependListener('connection', (socket: Socket) => {
        this.open(socket);
      });
      http2.on('session', (session) => {
        this.begin(session);
      });
    }
  }

  /** A call of this connection was authenticated. */
  admitted(address: string | undefined, port: number | undefined): void {
    const connection = this.connections.get(keyOf(address, port));
    if (!connection || connection.isKnown) return;
    connection.isKnown = true;
    this.count(connection.address, -1);
  }

  /** A call of this connection was refused for its identity. */
  refused(address: string | undefined, port: number | undefined): void {
    const connection = this.connections.get(keyOf(address, port));
    if (!connection || connection.isKnown || ++connection.refusals !== MAX_REFUSALS) return;
    connection.session?.close();
    setTimeout(() => connection.socket.destroy(), GOODBYE_MS).unref();
  }

  private open(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    const address = remoteAddress ?? '';
    const isLimited = !this.isTrusted(address);
    if (isLimited && (this.unknown.get(address) ?? 0) >= this.options.perAddress) {
      socket.destroy();
      return;
    }
    const key = keyOf(remoteAddress, remotePort);
    const connection: Connection = { address, socket, isKnown: !isLimited, refusals: 0 };
    this.connections.set(key, connection);
    if (isLimited) this.count(address, 1);
    const late = setTimeout(() => {
      if (!connection.session) socket.destroy();
    }, HANDSHAKE_MS).unref();
    socket.once('close', () => {
      clearTimeout(late);
      this.connections.delete(key);
      if (!connection.isKnown) this.count(address, -1);
    });
  }

  private begin(session: ServerHttp2Session): void {
    const { remoteAddress, remotePort } = session.socket;
    const connection = this.connections.get(keyOf(remoteAddress, remotePort));
    if (connection) connection.session = session;
  }

  private count(address: string, change: 1 | -1): void {
    const count = (this.unknown.get(address) ?? 0) + change;
    if (count > 0) this.unknown.set(address, count);
    else this.unknown.delete(address);
  }

  private isTrusted(address: string): boolean {
    return this.options.trustedProxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }
}

function keyOf(address: string | undefined, port: number | undefined): string {
  return `${address ?? ''} ${port ?? ''}`;
}
