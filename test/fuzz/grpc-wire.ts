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
/** Node's own limit, of ten, would end calls that the server has not. */
const SESSION_MB = 1_000;
const PREFIX_BYTES = 5;

export interface Ended {
  /** gRPC's, by name; `HTTP 415` and the like, or `RESET n`, where it did not come as far */
  readonly status: string;
  readonly message: string;
}

/** gRPC as bytes, without a client that would refuse to send them. */
export class GrpcWire {
  private session: ClientHttp2Session | undefined;

  constructor(
    private readonly endpoint: string,
    private readonly ca: Buffer,
    private readonly token: string,
  ) {}

  /** @throws where there is no answer in time */
  call(method: string, message: Uint8Array, headers: OutgoingHttpHeaders = {}): Promise<Ended> {
    return this.send(method, framed(message), headers);
  }

  /** @param body with the prefix of each message */
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
      let said: IncomingHttpHeaders = {};
      const late = setTimeout(() => {
        request.close(constants.NGHTTP2_CANCEL);
        reject(new Error(`${method} has no answer after ${ANSWER_MS} ms`));
      }, ANSWER_MS);
      request.on('response', (incoming: IncomingHttpHeaders) => (said = { ...said, ...incoming }));
      request.on('trailers', (trailers: IncomingHttpHeaders) => (said = { ...said, ...trailers }));
      request.on('error', () => undefined); // its close says which
      request.on('close', () => {
        clearTimeout(late);
        resolve(endedOf(said, request.rstCode));
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

  /** One connection, and a new one where the server has ended it. */
  private open(): ClientHttp2Session {
    if (this.session && !this.session.closed && !this.session.destroyed) return this.session;
    this.session = connect(`https://${this.endpoint}`, { ca: this.ca, maxSessionMemory: SESSION_MB });
    this.session.on('error', () => undefined); // each of its calls ends
    return this.session;
  }
}

/** @param length as the prefix claims it */
export function framed(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt8(flag, 0);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

function endedOf(said: IncomingHttpHeaders, rstCode: number): Ended {
  const { 'grpc-status': code, 'grpc-message': escaped, ':status': http } = said;
  const message = typeof escaped === 'string' ? decodeURIComponent(escaped) : '';
  if (typeof code === 'string') return { status: Code[Number(code)] ?? code, message };
  return { status: http === undefined || Number(http) === 200 ? `RESET ${rstCode}` : `HTTP ${Number(http)}`, message };
}
