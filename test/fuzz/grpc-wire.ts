import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { status as Code } from '@grpc/grpc-js';

const ANSWER_MS = 10_000;
/** Node's default of ten would end calls that the server accepts. */
const SESSION_MB = 1_000;
const PREFIX_BYTES = 5;

export interface Ended {
  /** gRPC status by name; `HTTP 415` and the like, or `RESET n`, when the call ended before a gRPC status */
  readonly status: string;
  readonly message: string;
}

/** Raw gRPC, without a client library that would refuse to send invalid bytes. */
export class GrpcWire {
  private session: ClientHttp2Session | undefined;

  constructor(
    private readonly endpoint: string,
    private readonly ca: Buffer,
    private readonly token: string,
  ) {}

  /** @throws Error when there is no answer in time */
  call(method: string, message: Uint8Array, headers: OutgoingHttpHeaders = {}): Promise<Ended> {
    return this.send(method, framed(message), headers);
  }

  /** @param body messages with their prefixes */
  send(method: string, body: Uint8Array, headers: OutgoingHttpHeaders = {}): Promise<Ended> {
    const request = this.open().request({
      ':method': 'POST',
      ':path': `/fastpath.v1.${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${this.token}`,
      ...headers,
    });
    return new Promise((resolve, reject) => {
      let answer: IncomingHttpHeaders = {};
      const late = setTimeout(() => {
        request.close(constants.NGHTTP2_CANCEL);
        reject(new Error(`${method} has no answer after ${ANSWER_MS} ms`));
      }, ANSWER_MS);
      request.on('response', (incoming: IncomingHttpHeaders) => (answer = { ...answer, ...incoming }));
      request.on('trailers', (trailers: IncomingHttpHeaders) => (answer = { ...answer, ...trailers }));
      request.on('error', () => undefined); // the close event reports it
      request.on('close', () => {
        clearTimeout(late);
        resolve(endedOf(answer, request.rstCode));
      });
      request.resume();
      request.end(body);
    });
  }

  async close(): Promise<void> {
    const { session } = this;
    if (!session || session.closed) return;
    session.destroy();
    await once(session, 'close');
  }

  /** The connection; a new one after the server closed the last. */
  private open(): ClientHttp2Session {
    if (this.session && !this.session.closed && !this.session.destroyed) return this.session;
    this.session = connect(`https://${this.endpoint}`, { ca: this.ca, maxSessionMemory: SESSION_MB });
    this.session.on('error', () => undefined); // each call of it ends by itself
    return this.session;
  }
}

/** @param length claimed by the prefix */
export function framed(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt8(flag, 0);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

function endedOf(headers: IncomingHttpHeaders, rstCode: number): Ended {
  const { 'grpc-status': code, 'grpc-message': escaped, ':status': http } = headers;
  const message = typeof escaped === 'string' ? decodeURIComponent(escaped) : '';
  if (typeof code === 'string') return { status: Code[Number(code)] ?? code, message };
  return { status: http === undefined || Number(http) === 200 ? `RESET ${rstCode}` : `HTTP ${Number(http)}`, message };
}
