import { type CreateResponse } from '@fsb/api/gen/fastpath/v1/fastpath';
import { CONFIG_MAP_KIND, POOL_KIND } from '@fsb/controller-runtime/kinds';
import { eventually } from '../../../test/support/eventually';
import { GatewayCalls } from './testing/gateway-calls';
import { GatewayScene, type Outcome, SLOTS } from './testing/gateway-scene';

jest.setTimeout(180_000);
const namespace = 'default';
const SOON = 60_000;

describe('a create that may wait for room', () => {
  let scene: GatewayScene;
  let calls: GatewayCalls;

  beforeAll(async () => {
    scene = await GatewayScene.start('waiting');
    calls = new GatewayCalls(scene.sandboxes);
  }, 240_000);
  afterAll(() => scene.stop(), 120_000);

  const poolMax = (most: number) =>
    scene.kube.patch(POOL_KIND, { namespace, name: 'pool' }, { spec: { capacity: { poolMax: most } } });
  const waiting = (name: string, waitSeconds: number, ports: number[] = []): Promise<Outcome<CreateResponse>> =>
    calls.create(name, { waitSeconds, exposedPorts: ports }, SOON);
  /** What the gateway tells the pool-controller. */
  async function told(): Promise<Record<string, string>> {
    const labelSelector = 'fast-sandbox.io/pool=pool';
    const { items } = await scene.kube.list(CONFIG_MAP_KIND, { namespace, labelSelector });
    return items[0]?.data ?? {};
  }
  const isTold = (unmet: string | undefined, ports?: string) =>
    eventually(async () => expect([(await told())['unmet'], (await told())['ports']]).toEqual([unmet, ports]), SOON);
  const fill = async (): Promise<void> => {
    for (let i = 0; i < SLOTS; i++) expect((await calls.create(`full-${i}`, {}, SOON)).code).toBe('OK');
  };
  const remove = async (...names: string[]): Promise<void> => {
    for (const name of names) expect((await calls.remove(name)).code).toBe('OK');
  };
  const nothingLeft = () => eventually(async () => expect(await scene.left()).toEqual([]), SOON);

  it('says from when to when', async () => {
    for (const seconds of [-1, 301]) {
      const { code, message } = await waiting('never', seconds);
      expect([code, message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining('wait_seconds')]);
    }
  });

  it('is refused at once, with the reason, where its pool cannot grow', async () => {
    await fill();
    const began = Date.now();
    const { code, message } = await waiting('refused', 50);
    expect(code).toBe('RESOURCE_EXHAUSTED');
    expect(message).toContain('at most 1 agents');
    expect(Date.now() - began).toBeLessThan(10_000);
  });

  it('waits where it can, asks for an agent meanwhile, and gets what is free first come, first served', async () => {
    await poolMax(3);
    await eventually(async () => {
      const { code, message } = await waiting('brief', 1);
      expect([code, message]).toEqual(['RESOURCE_EXHAUSTED', expect.stringContaining('at most 3 agents')]);
    });
    const first = waiting('first', 50);
    await isTold('2'); // and the brief one, which may come again
    const second = waiting('second', 50);
    await isTold('3');
    await remove('full-0');
    expect((await first).code).toBe('OK');
    await isTold('2');
    await remove('full-1');
    expect((await second).code).toBe('OK');
    await remove('first', 'second', 'full-2');
    await nothingLeft();
  });

  it('waits for a port as for a slot, and others that need it not pass', async () => {
    expect((await waiting('owner', 0, [8080])).code).toBe('OK');
    const heir = waiting('heir', 50, [8080, 8081]);
    await eventually(async () => expect((await told())['ports']).toMatch(/^(8080=1 8081=1|8081=1 8080=1)$/), SOON);
    expect((await waiting('passes', 50, [9090])).code).toBe('OK');
    await remove('owner');
    expect((await heir).code).toBe('OK');
    await remove('heir', 'passes');
    await nothingLeft();
  });

  it('leaves its place when its caller leaves, or somebody deletes it', async () => {
    await fill();
    const deleted = waiting('deleted', 50);
    await calls.createAndLeave(
      'left',
      { waitSeconds: 50 },
      eventually(async () => Number((await told())['unmet']) >= 2, SOON),
    );
    await remove('deleted');
    expect((await deleted).code).toBe('ABORTED');
    await remove('full-0', 'full-1', 'full-2');
    await nothingLeft();
    for (const name of ['left', 'deleted']) expect((await calls.get(name)).code).toBe('NOT_FOUND');
  });
});
