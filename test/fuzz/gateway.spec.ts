import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import * as fc from 'fast-check';
import { GatewayCalls } from '../../apps/fastpath-gateway/src/testing/gateway-calls';
import { call, GatewayScene } from '../../apps/fastpath-gateway/src/testing/gateway-scene';
import { ADMIN } from '../support/apiserver-process';
import { eventually } from '../support/eventually';
import { hostileBytes, hostileFields, type Method, METHODS } from './fastpath-requests';
import { fuzz } from './fuzz';
import { framed, GrpcWire, type Ended } from './grpc-wire';
import { hostileText } from './hostile';
import { expectForPeople } from './refusal';
import { WatchedProcess } from './watched-process';

/**
 * Allowed answers to bad input: never INTERNAL or UNKNOWN, which mean faults of ours, and never an expired deadline.
 */
const REFUSALS = [
  ...['INVALID_ARGUMENT', 'NOT_FOUND', 'ALREADY_EXISTS', 'FAILED_PRECONDITION', 'RESOURCE_EXHAUSTED'],
  ...['UNAUTHENTICATED', 'PERMISSION_DENIED', 'UNIMPLEMENTED'],
];
const MESSAGE_CHARS = 1_000;
/** grpc-js quotes an invalid grpc-timeout completely. */
const QUOTED_HEADER_CHARS = 70_000;
/** An int64 beyond JavaScript's safe integers is refused by the decoder, which does not know the field's name. */
const BEYOND = /M(AX|IN)_SAFE_INTEGER$/;
const MOST_MIB = 96;
/** Share of calls that compile the code and fill the caches; growth after them counts as a leak. */
const WARM_UP_SHARE = 0.02;

describe('fastpath-gateway: hostile input', () => {
  let scene: GatewayScene;
  let wire: GrpcWire;
  let watched: WatchedProcess[];

  beforeAll(async () => {
    scene = await GatewayScene.start('gwfuzz');
    wire = new GrpcWire(scene.endpoint, readFileSync(join(scene.api.folder, 'ca.crt')), ADMIN);
    await fuzz(
      'gateway: first calls',
      WARM_UP_SHARE,
      hostileFields('FastPathService/CreateSandbox'),
      async ({ bytes }) => {
        await wire.call('FastPathService/CreateSandbox', bytes);
      },
    );
    watched = [
      new WatchedProcess('fastpath-gateway', scene.pidOf('fastpath-gateway')),
      new WatchedProcess('sandbox-controller', scene.pidOf('sandbox-controller')),
      new WatchedProcess('node-agent', scene.agent.pid),
    ];
  }, 120_000);

  afterEach(async () => {
    expect(await scene.left()).toEqual([]);
    for (const process_ of watched) await process_.expectUnharmed(MOST_MIB);
    const calls = new GatewayCalls(scene.sandboxes);
    expect(await calls.create('good')).toMatchObject({ code: 'OK' });
    expect(await calls.remove('good')).toMatchObject({ code: 'OK' });
    await settled();
  }, 90_000);

  afterAll(async () => {
    await wire.close();
    await scene.stop();
  }, 60_000);

  async function settled(): Promise<void> {
    const list = (): Promise<{ answer?: { items: unknown[] } | undefined }> =>
      call(scene.sandboxes.listSandboxes.bind(scene.sandboxes), ListRequest.fromPartial({}));
    await eventually(
      async () => (await scene.left()).length === 0 && (await list()).answer?.items.length === 0,
      20_000,
    );
  }

  function expectAnswer({ status, message }: Ended, allowed: readonly string[], field?: string): void {
    expect(allowed).toContain(status);
    expectForPeople(message, MESSAGE_CHARS);
    if (status === 'INVALID_ARGUMENT' && field !== undefined && !BEYOND.test(message)) expect(message).toContain(field);
  }

  const fieldShares: Readonly<Record<Method, number>> = {
    'FastPathService/CreateSandbox': 0.12,
    'FastPathService/DeleteSandbox': 0.02,
    'FastPathService/UpdateSandbox': 0.04,
    'FastPathService/ListSandboxes': 0.02,
    'FastPathService/GetSandbox': 0.02,
    'SandboxLogService/StreamLogs': 0.03,
    'SandboxLogService/RunSandbox': 0.03,
  };

  it.each(Object.keys(METHODS) as Method[])(
    '%s with one hostile field: is refused by field name, or harmless',
    async (method) => {
      await fuzz(`gateway ${method}, fields`, fieldShares[method], hostileFields(method), async ({ bytes, field }) => {
        expectAnswer(await wire.call(method, bytes), ['OK', ...REFUSALS], field);
      });
    },
    120_000,
  );

  it.each(Object.keys(METHODS) as Method[])(
    '%s with bytes that are not its message: is refused or harmless',
    async (method) => {
      await fuzz(`gateway ${method}, bytes`, 0.015, hostileBytes(method), async ({ bytes }) => {
        expectAnswer(await wire.call(method, bytes), ['OK', ...REFUSALS]);
      });
    },
    120_000,
  );

  it('create that only its agent can refuse (absent command): is refused', async () => {
    const method = 'FastPathService/CreateSandbox';
    const absent = { pool_ref: 'pool', command: ['/bin/no-such-thing'], request_id: '' };
    const cases = hostileFields(method, absent).filter(({ field }) => field !== 'command' && field !== 'pool_ref');
    await fuzz('gateway and agent, create', 0.01, cases, async ({ bytes }) => {
      expectAnswer(await wire.call(method, bytes), REFUSALS);
    });
  }, 120_000);

  it('unknown tokens: are refused', async () => {
    const method = 'FastPathService/GetSandbox';
    const { bytes } = { bytes: Buffer.from([0x0a, 0x01, 0x61]) };
    const token = fc
      .oneof(
        hostileText,
        hostileText.map((text) => `Bearer ${text}`),
      )
      .filter(isHeader);
    await fuzz('gateway, tokens', 0.02, token, async (authorization) => {
      expectAnswer(await wire.call(method, bytes, { authorization }), [
        'UNAUTHENTICATED',
        'UNAVAILABLE',
        'RESET 7',
        'RESET 11',
      ]);
    });
  }, 120_000);

  it('frames, headers and paths that are not gRPC: are never answered UNKNOWN', async () => {
    const header = fc.constantFrom('content-type', 'grpc-encoding', 'grpc-timeout', 'x-other', 'grpc-trace-bin');
    const frames = fc.record({
      path: fc.oneof(
        fc.constantFrom(...Object.keys(METHODS)),
        fc.webPath().map((path) => `X${path}`),
      ),
      headers: fc.dictionary(header, hostileText.filter(isHeader), { maxKeys: 2 }),
      body: fc.oneof(
        fc.uint8Array({ maxLength: 64 }),
        fc
          .tuple(fc.nat(255), fc.nat(2 ** 32 - 1))
          .map(([flag, length]) => framed(Buffer.from([0x0a, 1, 97]), flag, length)),
      ),
    });
    await fuzz('gateway, frames', 0.03, frames, async ({ path, headers, body }) => {
      const { status, message } = await wire.send(path, body, { ...headers });
      expectForPeople(message, QUOTED_HEADER_CHARS);
      expect(status).not.toBe('UNKNOWN');
    });
  }, 120_000);
});

/** Header values that Node sends. */
function isHeader(text: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(text) && text.trim() === text && text.length <= 64 * 1024;
}
