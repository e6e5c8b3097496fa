import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { FastPathServiceClient, ListRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { ADMIN } from '../../../test/support/apiserver-process';
import { eventually } from '../../../test/support/eventually';
import { freePort } from '../../../test/support/free-port';
import { MemoryCgroup } from '../../../test/support/memory-cgroup';
import { memoryOf } from '../../../test/support/process-usage';
import { framed, GrpcWire } from '../../../test/fuzz/grpc-wire';
import { call, GatewayScene } from './testing/gateway-scene';
import { floodedPair, type FloodedPair, medianSlowdown } from './testing/stranger-flood';

/** Memory limit of k8s/base. */
const MEMORY_LIMIT_BYTES = 512 * 1024 * 1024;
const FLOOD = { connections: 8, calls: 300, ms: 5_000 };
const PAIRS = 3;
/** Factor by which a known caller's list may take longer in a flood. */
const SLOWER = 10;
const HANDSHAKE_MS = 10_000;
const ADDRESS_LIMIT = 40;

describe('a gateway under floods of unauthenticated callers', () => {
  let scene: GatewayScene;
  beforeAll(async () => {
    scene = await GatewayScene.start('strangers', { MAX_CONNECTIONS_PER_ADDRESS: String(ADDRESS_LIMIT) });
  }, 240_000);
  afterAll(() => scene.stop(), 120_000);

  const port = (): number => Number(scene.endpoint.split(':')[1]);

  async function listed(from: FastPathServiceClient): Promise<void> {
    const { code, message } = await call(from.listSandboxes.bind(from), ListRequest.create());
    if (code !== 'OK') throw new Error(`${code} ${message}`);
  }

  it('stays within the memory limit of k8s/base, and a known caller is less than ten times slower', async () => {
    const endpoint = `127.0.0.1:${await freePort()}`;
    const cgroup = MemoryCgroup.make(`fsb-strangers-${process.pid}`, MEMORY_LIMIT_BYTES);
    const known = new FastPathServiceClient(endpoint, scene.credentials);
    try {
      await scene.launch('fastpath-gateway', { 'grpc-bind-address': endpoint }, 'limited', cgroup);
      const pid = scene.pidOf('limited');
      const pairs: FloodedPair[] = [];
      for (let i = 0; i < PAIRS; i++) pairs.push(await floodedPair({ endpoint, ...FLOOD }, () => listed(known)));
      console.log(JSON.stringify({ pairs, peakMiB: cgroup.peakMiB }));
      expect(cgroup.oomKills).toBe(0);
      expect(memoryOf(pid).rssMiB).toBeGreaterThan(0); // the flooded process is alive, and alone in its cgroup
      expect(readFileSync(cgroup.procs, 'utf8').trim().split('\n')).toEqual([String(pid)]);
      for (const { answered, closed } of pairs) {
        expect(answered).toBeGreaterThan(0); // refused after their headers
        expect(closed).toBe(FLOOD.connections); // ended after MAX_REFUSALS
      }
      expect(medianSlowdown(pairs)).toBeLessThan(SLOWER);
    } finally {
      known.close();
      await scene.end('limited');
      cgroup.remove();
    }
  }, 180_000);

  it('refuses a message by its length prefix when it is longer than its method needs', async () => {
    const wire = new GrpcWire(scene.endpoint, readFileSync(join(scene.api.folder, 'ca.crt')), ADMIN);
    const prefix = framed(Buffer.alloc(10), 0, 17 * 1024);
    expect(await wire.send('FastPathService/GetSandbox', prefix)).toMatchObject({ status: 'RESOURCE_EXHAUSTED' });
    await wire.close();
  }, 30_000);

  it('ends handshakes after ten seconds, and limits the connections of one address', async () => {
    await listed(scene.sandboxes); // authenticates its connection
    const sockets: Socket[] = [];
    const ended = new Set<Socket>();
    for (let i = 0; i < ADDRESS_LIMIT + 20; i++) {
      const socket = connectTcp({ host: '127.0.0.1', port: port() });
      socket.on('error', () => undefined).on('close', () => ended.add(socket));
      sockets.push(socket.resume());
    }
    await eventually(() => ended.size >= 20, 5_000);
    expect(ended.size).toBeLessThanOrEqual(21);
    await listed(scene.sandboxes); // authenticated connections do not count
    await eventually(() => ended.size === sockets.length, HANDSHAKE_MS + 10_000, 200);
  }, 60_000);
});
