import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FastPathServiceClient, ListRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { TENANT, VIEWER } from '../../../test/support/apiserver-process';
import { eventually } from '../../../test/support/eventually';
import { type Gate } from '../../../test/support/gate';
import { tokenCredentials } from '../../../test/support/gateway-credentials';
import { memoryOf } from '../../../test/support/process-usage';
import { call, GatewayScene } from './testing/gateway-scene';
import { floodedPair, type FloodedPair, medianSlowdown, runFlood } from './testing/stranger-flood';

jest.setTimeout(300_000);
const PAIRS = 3;
/** Calls after which V8 has compiled the gateway's code. */
const WARM_UP = 200;
/** Tokens of one flood. That no number of them evicts a known one is shown by review-cache.spec. */
const TOKENS = 400;
/** A flood with more concurrent calls than an address has seats for reviews. */
const FLOOD = { connections: 3, calls: 6, ms: 30_000 };
/** Factor by which a known caller's list may take longer in a flood. */
const SLOWER = 10;
/** Memory limit of k8s/base. */
const MEMORY_LIMIT_MIB = 512;
/** Longest time until a revoked token is refused: an answer is fresh for a minute, and a review takes up to 5 s. */
const REVOKED_MS = 75_000;
/** Longest list of a known caller: while nothing answers, it waits for two reviews, of 5 s each. */
const PATIENCE_MS = 30_000;

describe('floods of unknown tokens at a gateway', () => {
  let scene: GatewayScene;
  let flooded: FastPathServiceClient;
  let api: Gate;
  const clients: FastPathServiceClient[] = [];

  beforeAll(async () => {
    scene = await GatewayScene.start('tokens');
    ({ client: flooded, api } = await scene.gated('flooded'));
  }, 240_000);
  afterAll(async () => {
    for (const client of clients) client.close();
    await scene.stop();
  }, 120_000);

  const endpoint = (): string => flooded.getChannel().getTarget().replace(/^dns:/, '');
  const client = (token: string): FastPathServiceClient => {
    const ca = readFileSync(join(scene.api.folder, 'ca.crt'));
    const made = new FastPathServiceClient(endpoint(), tokenCredentials(ca, token));
    clients.push(made);
    return made;
  };
  const list = async (from: FastPathServiceClient): Promise<string> => {
    const request = ListRequest.create({ namespace: 'default' });
    const { code, message } = await call(from.listSandboxes.bind(from), request, PATIENCE_MS);
    return code === 'OK' ? code : `${code} ${message}`;
  };
  /** Highest memory of the gateway, as seen by each list of a known caller. */
  const most = { rssMiB: 0 };
  const listOrThrow = async (): Promise<void> => {
    const said = await list(flooded);
    if (said !== 'OK') throw new Error(said);
    most.rssMiB = Math.max(most.rssMiB, memoryOf(scene.pidOf('flooded')).rssMiB);
  };

  it('neither evict nor slow down a known user, and stay within the memory limit', async () => {
    const idle = client(VIEWER);
    expect(await list(idle)).toBe('OK');
    for (let i = 0; i < WARM_UP; i++) await listOrThrow();
    const pairs: FloodedPair[] = [];
    for (let i = 0; i < PAIRS; i++) {
      const flood = { endpoint: endpoint(), ...FLOOD, shows: ['tokens', TOKENS] as const };
      pairs.push(await floodedPair(flood, listOrThrow));
    }
    console.log(JSON.stringify({ pairs, ...most }));
    for (const { nobodys } of pairs) expect(nobodys).toBeGreaterThanOrEqual(TOKENS / 4);
    const open = api.shut(); // an evicted caller could not be reviewed again
    try {
      expect(await list(idle)).toBe('OK');
    } finally {
      open();
    }
    expect(medianSlowdown(pairs)).toBeLessThan(SLOWER);
    expect(most.rssMiB).toBeLessThan(MEMORY_LIMIT_MIB);
  });

  it('neither hide a token that is revoked meanwhile nor keep others out; nor does a flood of that token', async () => {
    const revoked = client(TENANT);
    expect([await list(revoked), await list(flooded)]).toEqual(['OK', 'OK']);
    const unknown = { endpoint: endpoint(), ...FLOOD, ms: 45_000, shows: ['tokens', 1_000_000] as const };
    const flood = runFlood(unknown);
    await sleep(2_000);
    const path = join(scene.api.folder, 'tokens.json');
    const tokens = JSON.parse(readFileSync(path, 'utf8')) as { token: string }[];
    writeFileSync(path, JSON.stringify(tokens.filter(({ token }) => token !== TENANT)));
    const began = Date.now();
    const others: string[] = [];
    await eventually(
      async () => {
        others.push(await list(flooded));
        return (await list(revoked)).startsWith('UNAUTHENTICATED');
      },
      REVOKED_MS,
      500,
    );
    console.log(`a revoked token was refused after ${Date.now() - began} ms of a flood`);
    expect(new Set(others)).toEqual(new Set(['OK']));
    expect((await flood).nobodys).toBeGreaterThan(100);

    const pairs: FloodedPair[] = [];
    for (let i = 0; i < PAIRS; i++) {
      const shows = ['token', TENANT] as const;
      pairs.push(await floodedPair({ endpoint: endpoint(), ...FLOOD, ms: 5_000, shows }, listOrThrow));
    }
    console.log(JSON.stringify({ pairs, ...most }));
    for (const { nobodys } of pairs) expect(nobodys).toBeGreaterThan(100);
    expect(await list(revoked)).toMatch(/^UNAUTHENTICATED/);
    expect(medianSlowdown(pairs)).toBeLessThan(SLOWER);
    expect(most.rssMiB).toBeLessThan(MEMORY_LIMIT_MIB);
  });
});
