import { type BlockList, isIPv6, type Socket } from 'node:net';
import { type Http2Server, type ServerHttp2Session } from 'node:http2';
import { type Server } from '@grpc/grpc-js';
import { LimitError } from '@fsb/quota/limits';

export interface ConnectionLimitOptions {
  /** unauthenticated connections of one address */
  readonly perAddress: number;
  /** connections whose first authenticated caller is the same user */
  readonly perUser: number;
  /** addresses that many callers share; no limit applies to their connections */
  readonly trustedProxies: BlockList;
}

interface Connection {
  readonly address: string;
  readonly socket: Socket;
  session?: ServerHttp2Session;
  /** does not count for its address: a call of it was authenticated, or the address is a trusted proxy */
  isKnown: boolean;
  /** user for whom it counts; undefined before authentication and for a trusted proxy */
  user?: string;
  refusals: number;
}

/** Milliseconds for the TLS and HTTP/2 handshake. Node's own limit is two minutes. */
const HANDSHAKE_MS = 10_000;
/** Failed authentications after which a connection without an authenticated call is ended. */
const MAX_REFUSALS = 100;
/** Milliseconds for the calls in flight of a connection that is being ended. */
const GOODBYE_MS = 1_000;
const RETRY_MS = 1_000;

/** The private servers of grpc-js, one for each bound address. */
interface Http2Servers {
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>;
}

/**
 * Limits the connections of a gateway: before authentication by address, each with ten seconds for its handshake and a
 * bounded number of failed authentications; afterwards by user. It listens on the private HTTP/2 servers of grpc-js,
 * the only access to its connections.
 */
export class ConnectionLimits {
  private readonly connections = new Map<string, Connection>();
  private readonly unknown = new Map<string, number>();
  private readonly known = new Map<string, number>();

  constructor(private readonly options: ConnectionLimitOptions) {}

  /**
   * Watches the connections of a server.
   * @param server already bound, as Nest's is before its services are added
   * @throws Error when it is not bound
   */
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
   * Counts a connection for `user` from its first authenticated call on.
   * @throws LimitError inFlight, when the user has too many connections; this one is then ended
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

  /** Counts a failed authentication; ends the connection after {@link MAX_REFUSALS}. */
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

/** Closes a connection gracefully: its calls in flight get {@link GOODBYE_MS}. */
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
