/**
 * stranger-flood-run PORT CONNECTIONS CALLS MS: calls without a token, each with most of a message of 1 MiB and then silence,
 * on so many connections to a gateway of this machine, for so long. Prints how many calls were answered, as JSON.
 */
import { type ClientHttp2Session, connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';

const [port = 0, connections = 0, calls = 0, ms = 0] = process.argv.slice(2).map(Number);
const MIB = 1024 * 1024;
const PREFIX_BYTES = 5;
/** Claims one MiB and has less: the message is never whole. */
const MESSAGE = Buffer.alloc(MIB - 1024);
MESSAGE.writeUInt32BE(MIB - PREFIX_BYTES, 1);

let answered = 0;
let closed = 0;

function call(session: ClientHttp2Session): void {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/fastpath.v1.FastPathService/CreateSandbox',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => undefined);
  stream.once('response', () => {
    answered += 1;
  });
  stream.resume().write(MESSAGE);
}

function open(): ClientHttp2Session {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, maxSessionMemory: 4_000 });
  session.on('error', () => undefined);
  session.on('close', () => {
    closed += 1;
  });
  for (let i = 0; i < calls; i++) call(session);
  return session;
}

async function main(): Promise<void> {
  const sessions = Array.from({ length: connections }, open);
  await sleep(ms);
  for (const session of sessions) session.destroy();
  process.stdout.write(JSON.stringify({ answered, closed }));
  process.exit(0);
}

void main();
