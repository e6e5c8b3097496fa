/**
 * stranger-flood-run PORT CONNECTIONS CALLS MS [tokens COUNT | token TOKEN]: floods a gateway on this machine. It opens
 * CONNECTIONS connections with CALLS concurrent calls each, for MS milliseconds; every call sends most of a message of
 * 1 MiB and then nothing. Without a token each call and connection is made once. With one, ended calls and connections
 * are made again: `tokens` gives each call a new random token and ends after COUNT answers UNAUTHENTICATED; `token`
 * gives all the same. Prints as JSON the calls answered, those answered UNAUTHENTICATED, and the connections closed.
 */
import { randomBytes } from 'node:crypto';
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';

const [port = 0, connections = 0, calls = 0, ms = 0] = process.argv.slice(2, 6).map(Number);
const [kind, shown = ''] = process.argv.slice(6);
const count = kind === 'tokens' ? Number(shown) : Infinity;
const MIB = 1024 * 1024;
const PREFIX_BYTES = 5;
/** Approximate size of a service account's token. */
const TOKEN_BYTES = 600;
const UNAUTHENTICATED = '16';
/** The prefix announces 1 MiB but the body is shorter, so the message never completes. */
const MESSAGE = Buffer.alloc(MIB - 1024);
MESSAGE.writeUInt32BE(MIB - PREFIX_BYTES, 1);

const sessions = new Set<ClientHttp2Session>();
let answered = 0;
let nobodys = 0;
let closed = 0;
let isOver = false;

function token(): Record<string, string> {
  if (kind === undefined) return {};
  return { authorization: `Bearer ${kind === 'tokens' ? randomBytes(TOKEN_BYTES).toString('base64url') : shown}` };
}

function call(session: ClientHttp2Session): void {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/fastpath.v1.FastPathService/CreateSandbox',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...token(),
  });
  stream.on('error', () => undefined);
  stream.once('response', (headers: IncomingHttpHeaders) => {
    answered += 1;
    if (headers['grpc-status'] === UNAUTHENTICATED) nobodys += 1;
    if (nobodys >= count) end();
    if (kind !== undefined) stream.close(constants.NGHTTP2_CANCEL); // else the answered call stays half open
  });
  if (kind !== undefined) {
    stream.once('close', () => {
      if (!isOver && !session.closed && !session.destroyed) call(session);
    });
  }
  stream.resume().write(MESSAGE);
}

function open(): void {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, maxSessionMemory: 4_000 });
  sessions.add(session);
  session.on('error', () => undefined);
  session.on('close', () => {
    closed += 1;
    sessions.delete(session);
    if (kind !== undefined && !isOver) open();
  });
  for (let i = 0; i < calls; i++) call(session);
}

function end(): void {
  if (isOver) return;
  isOver = true;
  const result = JSON.stringify({ answered, nobodys, closed });
  for (const session of sessions) session.destroy();
  process.stdout.write(result, () => process.exit(0));
}

for (let i = 0; i < connections; i++) open();
setTimeout(end, ms);
