import { once } from 'node:events';
import { constants, createServer as createHttp2, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HostilePeer } from './hostile-run';

const LATE_MS = 30;
const HEADERS = { ':status': 200, 'content-type': 'application/grpc' };
/** A message without fields: a valid answer of every method. */
const EMPTY = Buffer.alloc(5);
const HALF = Buffer.from([0, 0, 0, 0, 100, 10, 1]);
const NO_MESSAGE = Buffer.from([0, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff]);
const ENDLESS = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);

type OfConnection = (socket: Socket, broken: () => void) => void;
type OfCall = (stream: ServerHttp2Stream, broken: () => void) => void;

const CONNECTIONS: Readonly<Record<string, OfConnection>> = {
  'accepts and hangs': (socket, broken) => {
    socket.resume();
    broken();
  },
  'closes what it accepts': (socket, broken) => {
    broken();
    socket.destroy();
  },
  'answers with what is no HTTP/2': (socket, broken) => {
    socket.end('no HTTP/2 at all\r\n\r\n');
    broken();
  },
};

const ended = (stream: ServerHttp2Stream, body: Buffer, trailers: Readonly<Record<string, string>>): void => {
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.on('wantTrailers', () => {
    stream.sendTrailers(trailers);
  });
  stream.end(body);
};
const refusal =
  (code: number): OfCall =>
  (stream, broken) => {
    stream.respond({ ...HEADERS, 'grpc-status': String(code), 'grpc-message': 'refused' }, { endStream: true });
    broken();
  };
const answer =
  (body: Buffer, trailers: Readonly<Record<string, string>> = { 'grpc-status': '0' }): OfCall =>
  (stream, broken) => {
    ended(stream, body, trailers);
    broken();
  };

const CALLS: Readonly<Record<string, OfCall>> = {
  'breaks off before the headers': (stream, broken) => {
    broken();
    stream.session?.destroy();
  },
  'breaks off after the headers': (stream, broken) => {
    stream.respond(HEADERS);
    setImmediate(() => {
      broken();
      stream.session?.destroy();
    });
  },
  'breaks off in a message': (stream, broken) => {
    stream.respond(HEADERS);
    stream.write(HALF, () => {
      broken();
      stream.session?.destroy();
    });
  },
  'resets the call': (stream, broken) => {
    broken();
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  },
  'resets the call in a message': (stream, broken) => {
    stream.respond(HEADERS);
    stream.write(HALF, () => {
      broken();
      stream.close(constants.NGHTTP2_CANCEL);
    });
  },
  'ends in a message': answer(HALF),
  'ends without a status': (stream, broken) => {
    stream.respond(HEADERS);
    stream.end(EMPTY);
    broken();
  },
  'goes away': (stream, broken) => {
    stream.session?.goaway(constants.NGHTTP2_NO_ERROR);
    answer(EMPTY)(stream, broken);
    stream.session?.close();
  },
  'is not found': refusal(5),
  'is exhausted': refusal(8),
  'is unavailable': refusal(14),
  'says a status that there is not': answer(EMPTY, { 'grpc-status': 'none' }),
  'sends a message that is none': answer(NO_MESSAGE),
  'sends a message without an end': (stream, broken) => {
    stream.respond(HEADERS);
    stream.write(ENDLESS);
    broken();
  },
  'answers HTTP 502': (stream, broken) => {
    stream.respond({ ':status': 502, 'content-type': 'text/html' });
    stream.end('<html>');
    broken();
  },
  'answers too late': (stream, broken) => {
    broken();
    setTimeout(() => {
      if (!stream.destroyed) ended(stream, EMPTY, { 'grpc-status': '0' });
    }, LATE_MS);
  },
  'never answers': (_stream, broken) => {
    broken();
  },
  'answers well': answer(EMPTY),
};
const REFUSES = 'refuses connections';

/** A gRPC server on a UNIX socket that violates HTTP/2 or gRPC as its current behaviour says. */
export class HostileContainerd implements HostilePeer {
  readonly behaviours = [REFUSES, ...Object.keys(CONNECTIONS), ...Object.keys(CALLS)];
  broken: () => void = () => undefined;
  private behaviour = 'answers well';
  private readonly sockets = new Set<Socket>();
  private readonly unanswered = new Set<ServerHttp2Stream>();
  private readonly http2: Http2Server = createHttp2();
  private readonly server: Server = createServer();

  constructor(readonly socket: string) {
    const broken = (): void => {
      this.broken();
    };
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
      const hostile = CONNECTIONS[this.behaviour];
      if (hostile) hostile(socket, broken);
      else this.http2.emit('connection', socket);
    });
    this.http2.on('sessionError', () => undefined);
    this.http2.on('stream', (stream) => {
      stream.on('error', () => undefined).resume();
      this.unanswered.add(stream);
      stream.on('close', () => this.unanswered.delete(stream));
      CALLS[this.behaviour]?.(stream, broken);
    });
  }

  async begin(behaviour: string): Promise<void> {
    this.behaviour = behaviour;
    // grpc-js keeps a connection attempt alive after its channel is closed; the agent has one channel for its whole
    // life
    for (const socket of this.sockets) socket.destroy();
    const listens = behaviour !== REFUSES;
    if (listens === this.server.listening) return;
    if (listens) await once(this.server.listen(this.socket), 'listening');
    else this.server.close();
  }

  get held(): number {
    return this.unanswered.size;
  }

  /** Waits up to one second for the callers to close their connections. @returns the number still open */
  async closed(): Promise<number> {
    for (let i = 0; i < 100 && this.sockets.size > 0; i++) await sleep(10);
    return this.sockets.size;
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}
