import { type CreateResponse } from '@fsb/api/gen/fastpath/v1/fastpath';
import { CONFIG_MAP_KIND, POOL_KIND } from '@fsb/controller-runtime/kinds';
import { eventually } from '../../../test/support/eventually';
import { GatewayCalls } from './testing/gateway-calls';
import { GatewayScene, type CallOutcome, SLOTS } from './testing/gateway-scene';

jest.setTimeout(180_000);
const namespace = 'default';
const SOON = 60_000;

describe('a create with wait_seconds', () => {
  let scene: GatewayScene;
  let calls: GatewayCalls;

  beforeAll(async () => {
    scene = await GatewayScene.start('waiting');
    calls = new GatewayCalls(scene.sandboxes);
  }, 240_000);
  afterAll(() => scene.stop(), 120_000);

  const poolMax = (most: number) =>
    scene.kube.patch(POOL_KIND, { namespace, name: 'pool' }, { spec: { capacity: { poolMax: most } } });
  const waiting = (name: string, waitSeconds: number, ports: number[] = []): Promise<CallOutcome<CreateResponse>> =>
    calls.create(name, { waitSeconds, exposedPorts: ports }, SOON);
  /** Data of the ConfigMap by which the gateway informs the pool-controller. */
  async function needs(): Promise<Record<string, string>> {
    const labelSelector = 'fast-sandbox.io/pool=pool';
    const { items } = await scene.kube.list(CONFIG_MAP_KIND, { namespace, labelSelector });
    return items[0]?.data ?? {};
  }
  const untilNeeds = (unmet: string | undefined, ports?: string) =>
    eventually(async () => expect([(await needs())['unmet'], (await needs())['ports']]).toEqual([unmet, ports]), SOON);
  const fill = async (): Promise<void> => {
    for (let i = 0; i < SLOTS; i++) expect((await calls.create(`full-${i}`, {}, SOON)).code).toBe('OK');
  };
  const remove = async (...names: string[]): Promise<void> => {
    for (const name of names) expect((await calls.remove(name)).code).toBe('OK');
  };
  const nothingLeft = () => eventually(async () => expect(await scene.left()).toEqual([]), SOON);

  it('is refused when wait_seconds is out of range', async () => {
    for (const seconds of [-1, 301]) {
      const { code, message } = await waiting('never', seconds);
      expect([code, message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining('wait_seconds')]);
    }
  });

  it('is refused at once, with the reason, when its pool cannot grow', async () => {
    await fill();
    const began = Date.now();
    const { code, message } = await waiting('refused', 50);
    expect(code).toBe('RESOURCE_EXHAUSTED');
    expect(message).toContain('at most 1 agents');
    expect(Date.now() - began).toBeLessThan(10_000);
  });

  it('waits while its pool may grow, asks for an agent meanwhile, and is served in order', async () => {
    await poolMax(3);
    await eventually(async () => {
      const { code, message } = await waiting('brief', 1);
      expect([code, message]).toEqual(['RESOURCE_EXHAUSTED', expect.stringContaining('at most 3 agents')]);
    });
    const first = waiting('first', 50);
    await untilNeeds('2'); // with the brief one, which may come again
    const second = waiting('second', 50);
    await untilNeeds('3');
    await remove('full-0');
    expect((await first).code).toBe('OK');
    await untilNeeds('2');
    await remove('full-1');
    expect((await second).code).toBe('OK');
    await remove('first', 'second', 'full-2');
    await nothingLeft();
  });

  it('waits for a port as for a slot, and is passed by creates with other ports', async () => {
    expect((await waiting('owner', 0, [8080])).code).toBe('OK');
    const heir = waiting('heir', 50, [8080, 8081]);
    await eventually(async () => expect((await needs())['ports']).toMatch(/^(8080=1 8081=1|8081=1 8080=1)$/), SOON);
    expect((await waiting('passes', 50, [9090])).code).toBe('OK');
    await remove('owner');
    expect((await heir).code).toBe('OK');
    await remove('heir', 'passes');
    await nothingLeft();
  });

  it('frees its place when its caller leaves or its sandbox is deleted', async () => {
    await fill();
    const deleted = waiting('deleted', 50);
    await calls.createAndLeave(
      'left',
      { waitSeconds: 50 },
      eventually(async () => Number((await needs())['unmet']) >= 2, SOON),
    );
    await remove('deleted');
    expect((await deleted).code).toBe('ABORTED');
    await remove('full-0', 'full-1', 'full-2');
    await nothingLeft();
    for (const name of ['left', 'deleted']) expect((await calls.get(name)).code).toBe('NOT_FOUND');
  });
});
