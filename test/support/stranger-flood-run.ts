/**
 * stranger-flood-run PORT CONNECTIONS CALLS MS [tokens COUNT | token TOKEN]: calls to a gateway of this machine, each with
 * most of a message of 1 MiB and then silence, so many at once on each of so many connections, for so long. Without a token
 * each call and connection is made once. With one, whatever has ended is made anew: `tokens` gives each call one of its own,
 * that nobody has, and ends once so many of them were found to be nobody's; `token` gives all the same. Prints how many
 * calls were answered, how many of these as nobody's, and how many connections were closed, as JSON.
 */
import { randomBytes } from 'node:crypto';
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';

const [port = 0, connections = 0, calls = 0, ms = 0] = process.argv.slice(2, 6).map(Number);
const [kind, shown = ''] = process.argv.slice(6);
const count = kind === 'tokens' ? Number(shown) : Infinity;
const MIB = 1024 * 1024;
const PREFIX_BYTES = 5;
/** Of a service account's token, about. */
const TOKEN_BYTES = 600;
const UNAUTHENTICATED = '16';
/** Claims one MiB and has less: the message is never whole. */
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
    if (kind !== undefined) stream.close(constants.NGHTTP2_CANCEL); // answered, it would stay half open
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
