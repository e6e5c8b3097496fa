import { setTimeout as sleep } from 'node:timers/promises';
import { CreateRequest, type CreateResponse, DeleteRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { CONFIG_MAP_KIND, POOL_KIND } from '@fsb/controller-runtime/kinds';
import { eventually } from '../../../../test/support/eventually';
import { call, GatewayScene, type CallOutcome, SLOTS } from '../testing/gateway-scene';

jest.setTimeout(120_000);
const namespace = 'default';
const LONG_MS = 60_000;

describe('fastpath-gateway: a create that no agent has room for', () => {
  let scene: GatewayScene;
  const writes: { at: number; type: string; name: string; unmet: string }[] = [];
  let stopWatch: () => void;

  beforeAll(async () => {
    scene = await GatewayScene.start('gwdemand');
    const { events, response } = await scene.api.watch(`/api/v1/namespaces/${namespace}/configmaps?watch=true`);
    const take = (): void => {
      for (const event of events.splice(0)) {
        const { metadata, data } = event['object'] as { metadata: { name: string }; data?: { unmet?: string } };
        writes.push({ at: Date.now(), type: String(event['type']), name: metadata.name, unmet: data?.unmet ?? '' });
      }
    };
    const timer = setInterval(take, 20);
    stopWatch = () => {
      clearInterval(timer);
      response.destroy();
    };
  }, 240_000);

  afterAll(async () => {
    stopWatch();
    await scene.stop();
  }, 60_000);

  const create = (
    name: string,
    more: { poolRef?: string; requestId?: string } = {},
  ): Promise<CallOutcome<CreateResponse>> =>
    call(
      scene.sandboxes.createSandbox.bind(scene.sandboxes),
      CreateRequest.fromPartial({ name, image: 'busybox', poolRef: 'pool', command: ['/bin/sleep', '1000'], ...more }),
      30_000,
    );
  const remove = async (sandboxName: string): Promise<void> => {
    const request = DeleteRequest.fromPartial({ sandboxName });
    const { code } = await call(scene.sandboxes.deleteSandbox.bind(scene.sandboxes), request, 30_000);
    expect(code).toBe('OK');
  };
  const unmet = async (pool: string): Promise<(string | undefined)[]> => {
    const { items } = await scene.kube.list(CONFIG_MAP_KIND, {
      namespace,
      labelSelector: `fast-sandbox.io/pool=${pool}`,
    });
    return items.map(({ data }) => data?.['unmet']);
  };

  it('asks nothing of a pool at its maximum', async () => {
    for (let i = 0; i < SLOTS; i++) expect((await create(`full-${i}`)).code).toBe('OK');
    const refused = await create('too-many');
    expect(refused).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      message: expect.stringMatching(/at most 1 agents/) as string,
    });
    // the write for another pool shows that the writer has had time
    expect((await create('first', { poolRef: 'empty' })).code).toBe('UNAVAILABLE');
    await eventually(async () => expect(await unmet('empty')).toEqual(['1']), LONG_MS);
    expect(await unmet('pool')).toEqual([]);
  });

  it('counts each unmet create once, until it succeeds', async () => {
    await scene.kube.patch(POOL_KIND, { namespace, name: 'pool' }, { spec: { capacity: { poolMax: 3 } } });
    await eventually(async () => {
      expect(await create('x1')).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
      expect(await unmet('pool')).toEqual(['1']);
    }, LONG_MS);
    for (const name of ['x2', 'x1', 'x2', 'x1']) expect((await create(name)).code).toBe('RESOURCE_EXHAUSTED');
    for (let i = 0; i < 3; i++) expect((await create('', { requestId: 'again' })).code).toBe('RESOURCE_EXHAUSTED');
    await eventually(async () => expect(await unmet('pool')).toEqual(['3']), LONG_MS);
    const made: [string, { requestId?: string }][] = [
      ['x1', {}],
      ['x2', {}],
      ['', { requestId: 'again' }],
    ];
    for (const [i, [name, more]] of made.entries()) {
      await remove(`full-${i}`);
      await eventually(async () => expect((await create(name, more)).code).toBe('OK'), LONG_MS, 300);
      await eventually(async () => expect(await unmet('pool')).toEqual(i === 2 ? [] : [String(2 - i)]), 10_000);
    }
  });

  it('writes at most once a second, however many are refused', async () => {
    const from = writes.length;
    const until = Date.now() + 5_000;
    let refused = 0;
    while (Date.now() < until) {
      expect((await create(`storm-${refused++}`)).code).toBe('RESOURCE_EXHAUSTED');
      await sleep(10); // stays below the 2,000 beyond which the oldest are dropped
    }
    const since = (): typeof writes => writes.slice(from).filter(({ name }) => name.startsWith('pool-demand-'));
    await eventually(() => expect(since().at(-1)?.unmet).toBe(String(refused)), LONG_MS);
    const gaps = since()
      .slice(1)
      .map(({ at }, i) => at - since()[i]!.at);
    expect(refused).toBeGreaterThan(20);
    expect(Math.min(...gaps)).toBeGreaterThan(700); // as seen through a watch on a busy machine
    expect(gaps.length).toBeGreaterThan(2);
  });

  it('stops counting a create thirty seconds after its last refusal', async () => {
    const last = writes.filter(({ name }) => name.startsWith('pool-demand-')).at(-1)!.at;
    await eventually(async () => expect(await unmet('pool')).toEqual([]), LONG_MS);
    const gone = writes.find(
      ({ name, type, at }) => name.startsWith('pool-demand-') && type === 'DELETED' && at > last,
    );
    expect((gone?.at ?? Date.now()) - last).toBeGreaterThan(28_000);
    expect(await unmet('empty')).toEqual([]);
  });
});
