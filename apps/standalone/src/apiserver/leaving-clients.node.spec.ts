import { readdirSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { ADMIN, ApiserverProcess } from '../../../../test/support/apiserver-process';
import { eventually } from '../../../../test/support/eventually';

jest.setTimeout(240_000);
const MAPS = '/api/v1/namespaces/default/configmaps';
const AT_ONCE = 4;
/** Milliseconds between the last byte sent and the disconnect. */
const MOMENTS = [0, 1, 5, 40];
const BODY = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'left-' } });

const head = (method: string, path: string, ...more: string[]): string =>
  [`${method} ${path} HTTP/1.1`, 'host: here', `authorization: Bearer ${ADMIN}`, ...more, '', ''].join('\r\n');
const post = (...more: string[]): string => head('POST', MAPS, 'content-type: application/json', ...more);

/** Bytes that a client sends before it disconnects. */
const SENT: Readonly<Record<string, string>> = {
  nothing: '',
  'half a request line': 'GET /api/v1/na',
  'half of the headers': head('GET', MAPS).slice(0, -20),
  'a get': head('GET', '/version'),
  'a list': head('GET', MAPS),
  'a watch': head('GET', `${MAPS}?watch=true`),
  'a watch, and a second one behind it': head('GET', `${MAPS}?watch=true`) + head('GET', `${MAPS}?watch=true`),
  'a body that never comes': post('content-length: 100'),
  'half of a body': post(`content-length: ${BODY.length}`) + BODY.slice(0, 20),
  'a chunk without an end': `${post('transfer-encoding: chunked')}5\r\n{"kin`,
  'a whole create': post(`content-length: ${BODY.length}`) + BODY,
  'a create and a broken request': `${post(`content-length: ${BODY.length}`)}${BODY}\0\0\0`,
  'a body that waits for 100 Continue': post(`content-length: ${BODY.length}`, 'expect: 100-continue'),
  'an upgrade': head('GET', MAPS, 'connection: upgrade', 'upgrade: SPDY/3.1'),
  'a CONNECT': head('CONNECT', 'here:443'),
  'no HTTP': '\x16\x03\x01 no HTTP\r\n\r\n',
};
const LEAVES: Readonly<Record<string, (socket: TLSSocket, raw: Socket) => void>> = {
  resets: (_socket, raw) => void raw.resetAndDestroy(),
  closes: (_socket, raw) => void raw.destroy(),
  'ends its half': (socket) => void socket.end(),
};

describe('apiserver: clients that disconnect', () => {
  let server: ApiserverProcess;
  beforeAll(async () => {
    server = await ApiserverProcess.start();
    for (let n = 0; n < 20; n += 1) {
      const map = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: `kept-${n}` },
        data: { text: 'x'.repeat(1e5) },
      };
      await server.ask('POST', MAPS, map);
    }
  });
  afterAll(() => server.end());

  const openFiles = (): number => readdirSync(`/proc/${server.pid}/fd`).length;

  async function leaveAfter(sent: string, leave: (socket: TLSSocket, raw: Socket) => void, ms: number): Promise<void> {
    const raw = connectTcp({ host: '127.0.0.1', port: server.port });
    const socket = connectTls({ socket: raw, rejectUnauthorized: false });
    raw.on('error', () => undefined);
    socket.on('error', () => undefined).resume();
    await new Promise((connected) => socket.once('secureConnect', connected).once('close', connected));
    await new Promise((written) => socket.write(sent === '' ? '\r\n' : sent, written));
    if (ms > 0) await sleep(ms);
    leave(socket, raw);
    setTimeout(() => raw.destroy(), 2_000).unref(); // it has ended only its half
  }

  it('survives a disconnect at each moment, logs no failure and keeps no socket', async () => {
    const { pid } = server;
    await server.ask('GET', '/version');
    const before = openFiles();
    let left = 0;
    for (const sent of Object.values(SENT)) {
      for (const leave of Object.values(LEAVES)) {
        for (const ms of MOMENTS) {
          await Promise.all(Array.from({ length: AT_ONCE }, () => leaveAfter(sent, leave, ms)));
          left += AT_ONCE;
        }
      }
      expect((await server.ask('GET', '/version')).status).toBe(200);
    }
    await eventually(() => openFiles() <= before, 60_000);
    expect(left).toBe(Object.keys(SENT).length * 3 * MOMENTS.length * AT_ONCE);
    expect(server.pid).toBe(pid);
    expect(server.log).not.toMatch(/request failed|MaxListeners|unhandled|uncaught/i);
    expect((await server.ask('DELETE', MAPS)).status).toBe(200);
  });
});
