import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { GatewayCalls } from '../../apps/fastpath-gateway/src/testing/gateway-calls';
import { GatewayScene } from '../../apps/fastpath-gateway/src/testing/gateway-scene';
import { ADMIN } from '../support/apiserver-process';
import { eventually } from '../support/eventually';
import { memoryOf } from '../support/process-usage';
import { framed, GrpcWire } from './grpc-wire';
import { IdleClient } from './idle-client';
import { WatchedProcess } from './watched-process';

const MIB = 1024 * 1024;
const IDLE = 10_000;
/** Limit of the gateway's memory: an idle TLS connection of Node takes 50 KB on either side. */
const IDLE_MIB = 1_024;
const MOST_MIB = 192;
/** Growth allowed from the first wave to the second: a leak would be a whole wave, 500 MiB or more. */
const KEPT_MIB = 320;
/** Time until the servers end such connections: their limits are 10 and 20 s, checked every two seconds. */
const ENDED_MS = 40_000;

describe('Abusive connections', () => {
  let scene: GatewayScene;
  let wire: GrpcWire;
  let watched: WatchedProcess[];
  let gatewayPort: number;

  beforeAll(async () => {
    const most = String(2 * IDLE);
    const limits = { MAX_CONNECTIONS_PER_ADDRESS: most, MAX_CONNECTIONS_PER_USER: most };
    scene = await GatewayScene.start('connfuzz', limits);
    wire = new GrpcWire(scene.endpoint, readFileSync(join(scene.api.folder, 'ca.crt')), ADMIN);
    gatewayPort = Number(scene.endpoint.split(':')[1]);
    await expectServed();
    watched = [
      new WatchedProcess('fastpath-gateway', scene.pidOf('fastpath-gateway')),
      new WatchedProcess('node-agent', scene.agent.pid),
      new WatchedProcess('apiserver', scene.api.pid),
    ];
  }, 120_000);

  afterEach(async () => {
    await expectServed();
    for (const process_ of watched) await process_.expectUnharmed(MOST_MIB);
  }, 120_000);

  afterAll(async () => {
    await wire.close();
    await scene.stop();
  }, 60_000);

  /** Checks that gateway, agent, API server and probe port still serve others. */
  async function expectServed(): Promise<void> {
    const calls = new GatewayCalls(scene.sandboxes);
    expect(await calls.create('good')).toMatchObject({ code: 'OK' });
    expect(await calls.remove('good')).toMatchObject({ code: 'OK' });
    expect((await scene.api.ask('GET', '/api/v1/namespaces/default')).status).toBe(200);
    expect(await scene.agent.ready()).toBe(true);
    await eventually(async () => (await scene.left()).length === 0, 30_000);
  }

  it('half-open: are closed when the handshake never comes, and others are served meanwhile', async () => {
    const tls = [scene.agent.port, scene.api.port];
    const clients = await Promise.all([...tls, gatewayPort].map((port) => IdleClient.open(port, 500, 'tcp')));
    try {
      await expectServed();
      const ended = clients.slice(0, tls.length);
      await eventually(() => ended.every(({ closed }) => closed === 500), ENDED_MS, 500);
    } finally {
      for (const client of clients) await client.end();
    }
  }, 120_000);

  /** Unfinished requests, which then get one more byte per second. */
  it.each([
    ['a header that never ends', 'GET /healthz HTTP/1.1\r\nhost: a\r\nx: '],
    [
      'a body that never ends',
      'POST /healthz HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n',
    ],
  ])(
    'slow writers: %s',
    async (_what, beginning) => {
      const { cert, key } = scene.agent.pki.client.current;
      const to = { host: '127.0.0.1', rejectUnauthorized: false };
      const openers: (() => Socket)[] = [
        () => connectTls({ ...to, port: scene.agent.port, cert, key }),
        () => connectTls({ ...to, port: scene.api.port }),
        () => connectTcp({ ...to, port: scene.agent.probePort }),
      ];
      const sockets = openers.flatMap((open) => Array.from({ length: 50 }, open));
      const ended = new Set<Socket>();
      for (const socket of sockets) {
        socket.on('error', () => undefined);
        socket.on('close', () => ended.add(socket));
        socket.resume().write(beginning);
      }
      const dripping = setInterval(() => {
        for (const socket of sockets) if (socket.writable) socket.write('a');
      }, 1_000);
      await expectServed();
      await eventually(() => ended.size === sockets.length, ENDED_MS, 500).finally(() => {
        clearInterval(dripping);
        for (const socket of sockets) socket.destroy();
      });
    },
    120_000,
  );

  it('slow readers: fifty unread lists of two megabytes leave others served', async () => {
    const data = { a: 'x'.repeat(100 * 1024) };
    const path = '/api/v1/namespaces/default/configmaps';
    for (let n = 0; n < 20; n++) {
      const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `big-${n}` }, data };
      expect((await scene.api.ask('POST', path, map)).status).toBe(201);
    }
    const sockets = Array.from({ length: 50 }, () => {
      const socket = connectTls({ host: '127.0.0.1', port: scene.api.port, rejectUnauthorized: false }).pause();
      socket.on('error', () => undefined);
      socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${ADMIN}\r\n\r\n`);
      return socket;
    });
    await sleep(2_000);
    await expectServed();
    for (const socket of sockets) socket.destroy();
    for (let n = 0; n < 20; n++) expect((await scene.api.ask('DELETE', `${path}/big-${n}`)).status).toBe(200);
  }, 120_000);

  it('bodies of 16 MiB, ten at once: are refused', async () => {
    const large = Buffer.alloc(16 * MIB, 'a');
    const text = `{"a":"${large.toString()}"}`;
    const json = { 'content-type': 'application/json' };
    const cut = { status: 0 }; // the connection ended before the answer was read
    const ten = <T>(ask: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 10 }, ask));
    for (const { status } of await ten(() => wire.call('FastPathService/GetSandbox', large)))
      expect(status).toBe('RESOURCE_EXHAUSTED');
    const agent = (): Promise<{ status: number }> =>
      scene.agent.fetch('create', { method: 'POST', headers: json, body: text });
    for (const { status } of await ten(() => agent().catch(() => cut))) expect([0, 413]).toContain(status);
    const path = '/api/v1/namespaces/default/configmaps';
    const api = (): Promise<{ status: number }> => scene.api.ask('POST', path, text);
    for (const { status } of await ten(() => api().catch(() => cut))) expect([0, 413]).toContain(status);
    const probes = `http://127.0.0.1:${scene.agent.probePort}/metrics`;
    const probe = (): Promise<{ status: number }> => fetch(probes, { method: 'POST', headers: json, body: text });
    for (const { status } of await ten(() => probe().catch(() => cut))) expect([0, 404, 413]).toContain(status);
  }, 120_000);

  it('compression bombs: are refused', async () => {
    const bomb = gzipSync(Buffer.alloc(256 * MIB), { level: 9 });
    const encoded = { 'grpc-encoding': 'gzip' };
    for (let n = 0; n < 5; n++) {
      const { status } = await wire.send('FastPathService/GetSandbox', framed(bomb, 1), encoded);
      expect(status).toBe('RESOURCE_EXHAUSTED');
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      const body = bomb as unknown as string; // bytes; the parameter is declared as string
      expect((await scene.agent.fetch('create', { method: 'POST', headers, body })).status).toBe(400);
      expect(
        (await scene.api.ask('POST', '/api/v1/namespaces/default/configmaps', bomb.toString('latin1'), headers)).status,
      ).toBe(400);
    }
  }, 120_000);

  /** V8 keeps the memory of the first wave for the next one: the second must fit into it. */
  it(`${IDLE} idle ones at the gateway: all are kept, others are served`, async () => {
    for (const wave of ['first', 'second']) {
      const client = await IdleClient.open(gatewayPort, IDLE, 'tls');
      try {
        expect({ wave, opened: client.opened, closed: client.closed }).toEqual({ wave, opened: IDLE, closed: 0 });
        await expectServed();
        expect(memoryOf(scene.pidOf('fastpath-gateway')).rssMiB).toBeLessThan(IDLE_MIB);
      } finally {
        await client.end();
      }
      if (wave === 'second') await watched[0]!.expectUnharmed(KEPT_MIB);
      watched[0] = new WatchedProcess('fastpath-gateway', scene.pidOf('fastpath-gateway'));
    }
  }, 300_000);
});
