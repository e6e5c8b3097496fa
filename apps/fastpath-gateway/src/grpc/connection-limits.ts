import { type BlockList, isIPv6, type Socket } from 'node:net';
import { type Http2Server, type ServerHttp2Session } from 'node:http2';
import { type Server } from '@grpc/grpc-js';
import { LimitError } from '@fsb/quota/limits';

export interface ConnectionLimitOptions {
  /** connections of one address whose callers have not shown who they are */
  readonly perAddress: number;
  /** connections whose first known caller is the same user */
  readonly perUser: number;
  /** addresses that many callers share, and to which the limit does not apply */
  readonly trustedProxies: BlockList;
}

interface Connection {
  readonly address: string;
  readonly socket: Socket;
  session?: ServerHttp2Session;
  /** a call of this connection was authenticated: it counts for its address no more */
  isKnown: boolean;
  /** whom it counts for instead; undefined: many share it, or nobody yet */
  user?: string;
  refusals: number;
}

/** Node's own is two minutes. */
const HANDSHAKE_MS = 10_000;
/** Refused calls of a connection without one that was let in; then the connection is ended. */
const MAX_REFUSALS = 100;
/** What is left of such a connection's calls gets this long. */
const GOODBYE_MS = 1_000;
const RETRY_MS = 1_000;

/** The private servers of grpc-js, one for each bound address. */
interface Http2Servers {
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>;
}

/**
 * What a gateway keeps of connections: before their callers are known, so many of one address, each with ten seconds for its
 * handshake and a bounded number of refused calls; then so many of one user. grpc-js gives no access to its connections but through its HTTP/2 server.
 */
export class ConnectionLimits {
  private readonly connections = new Map<string, Connection>();
  private readonly unknown = new Map<string, number>();
  private readonly known = new Map<string, number>();

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

  /**
   * A call of this connection was authenticated: from now on it counts for its user.
   * @throws LimitError where the user has too many; the connection is ended
   */
  admitted(address: string | undefined, port: number | undefined, user: string): void {
    const connection = this.connections.get(keyOf(address, port));
    if (!connection || connection.isKnown) return;
    const { perUser } = this.options;
    if ((this.known.get(user) ?? 0) >= perUser) {
      end(connection);
      const message = `user "${user}" has ${perUser} connections, the most that one may have (--max-connections-per-user); use one for many calls`;
      throw new LimitError('inFlight', message, RETRY_MS);
    }
    connection.isKnown = true;
    connection.user = user;
    count(this.unknown, connection.address, -1);
    count(this.known, user, 1);
  }

  /** A call of this connection was refused for its identity. */
  refused(address: string | undefined, port: number | undefined): void {
    const connection = this.connections.get(keyOf(address, port));
    if (!connection || connection.isKnown || ++connection.refusals !== MAX_REFUSALS) return;
    end(connection);
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
    if (isLimited) count(this.unknown, address, 1);
    const late = setTimeout(() => {
      if (!connection.session) socket.destroy();
    }, HANDSHAKE_MS).unref();
    socket.once('close', () => {
      clearTimeout(late);
      this.connections.delete(key);
      if (!connection.isKnown) count(this.unknown, address, -1);
      if (connection.user !== undefined) count(this.known, connection.user, -1);
    });
  }

  private begin(session: ServerHttp2Session): void {
    const { remoteAddress, remotePort } = session.socket;
    const connection = this.connections.get(keyOf(remoteAddress, remotePort));
    if (connection) connection.session = session;
  }

  private isTrusted(address: string): boolean {
    return this.options.trustedProxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }
}

/** In order: what is under way on it gets a moment. */
function end({ session, socket }: Connection): void {
  session?.close();
  setTimeout(() => socket.destroy(), GOODBYE_MS).unref();
}

function count(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const left = (counts.get(key) ?? 0) + change;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}

function keyOf(address: string | undefined, port: number | undefined): string {
  return `${address ?? ''} ${port ?? ''}`;
}
