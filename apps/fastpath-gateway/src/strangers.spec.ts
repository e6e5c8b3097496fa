import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { ADMIN } from '../../../test/support/apiserver-process';
import { eventually } from '../../../test/support/eventually';
import { memoryOf } from '../../../test/support/process-usage';
import { runProgram } from '../../../test/support/program';
import { framed, GrpcWire } from '../../../test/fuzz/grpc-wire';
import { call, GatewayScene } from './testing/gateway-scene';

/** k8s/base's limit. */
const MEMORY_LIMIT_MIB = 512;
const FLOOD = { connections: 2, calls: 300, ms: 8_000 };
const HANDSHAKE_MS = 10_000;
const ADDRESS_LIMIT = 40;

describe('A gateway and strangers', () => {
  let scene: GatewayScene;
  beforeAll(async () => {
    scene = await GatewayScene.start('strangers', { MAX_CONNECTIONS_PER_ADDRESS: String(ADDRESS_LIMIT) });
  }, 240_000);
  afterAll(() => scene.stop(), 120_000);

  const port = (): number => Number(scene.endpoint.split(':')[1]);

  async function listMs(): Promise<number> {
    const began = performance.now();
    const { code } = await call(scene.sandboxes.listSandboxes.bind(scene.sandboxes), ListRequest.create());
    expect(code).toBe('OK');
    return performance.now() - began;
  }

  async function medianList(until: () => boolean): Promise<number> {
    const all: number[] = [];
    while (!until() || all.length < 20) {
      all.push(await listMs());
      await sleep(20);
    }
    return all.sort((one, other) => one - other)[Math.floor(all.length / 2)] ?? 0;
  }

  it('keeps nothing of them: a flood of half messages leaves its memory and a known caller be', async () => {
    const quiet = await medianList(() => true);
    const { connections, calls, ms } = FLOOD;
    const flood = { over: false };
    const args = [port(), connections, calls, ms].map(String);
    const run = runProgram('test/support/stranger-flood-run.ts', args, 60_000).finally(() => (flood.over = true));
    let mostMiB = 0;
    const flooded = await medianList(() => {
      mostMiB = Math.max(mostMiB, memoryOf(scene.pidOf('fastpath-gateway')).rssMiB);
      return flood.over;
    });
    const { answered, closed } = JSON.parse(await run) as { answered: number; closed: number };
    expect(mostMiB).toBeLessThan(MEMORY_LIMIT_MIB);
    expect(flooded).toBeLessThan(10 * Math.max(quiet, 2));
    expect(answered).toBeGreaterThan(0); // refused by their headers
    expect(closed).toBe(connections); // after so many refusals
  }, 120_000);

  it('refuses a message that is longer than its method needs by its prefix, and one that is late', async () => {
    const wire = new GrpcWire(scene.endpoint, readFileSync(join(scene.api.folder, 'ca.crt')), ADMIN);
    const prefix = framed(Buffer.alloc(10), 0, 17 * 1024);
    expect(await wire.send('FastPathService/GetSandbox', prefix)).toMatchObject({ status: 'RESOURCE_EXHAUSTED' });
    await wire.close();
  }, 30_000);

  it('ends handshakes after ten seconds, and holds so many connections of one address', async () => {
    const sockets: Socket[] = [];
    const ended = new Set<Socket>();
    for (let i = 0; i < ADDRESS_LIMIT + 20; i++) {
      const socket = connectTcp({ host: '127.0.0.1', port: port() });
      socket.on('error', () => undefined).on('close', () => ended.add(socket));
      sockets.push(socket.resume());
    }
    await eventually(() => ended.size >= 20, 5_000);
    expect(ended.size).toBeLessThanOrEqual(21);
    expect(await listMs()).toBeGreaterThan(0); // known callers' connections do not count
    await eventually(() => ended.size === sockets.length, HANDSHAKE_MS + 10_000, 200);
  }, 60_000);
});
