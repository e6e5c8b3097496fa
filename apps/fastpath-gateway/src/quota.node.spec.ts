import { ConsistencyMode } from '@fsb/api/gen/fastpath/v1/fastpath';
import { API_VERSION, type Sandbox } from '@fsb/api/sandbox';
import { NAMESPACE_KIND, type ResourceQuota, RESOURCE_QUOTA_KIND, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { freePort } from '../../../test/support/free-port';
import { AgentPool } from '../../../test/support/agent-pool';
import { eventually } from '../../../test/support/eventually';
import { SimulatedAgent } from '../../../test/support/simulated-agent';
import { GatewayCalls } from './testing/gateway-calls';
import { GatewayScene } from './testing/gateway-scene';

jest.setTimeout(180_000);
const STRONG = { consistencyMode: ConsistencyMode.STRONG };
const COUNT = 'count/sandboxes.sandbox.fast.io';

describe('quota of a namespace', () => {
  let scene: GatewayScene;
  let calls: GatewayCalls;

  beforeAll(async () => {
    scene = await GatewayScene.start('quota');
    calls = new GatewayCalls(scene.sandboxes);
  }, 120_000);
  afterAll(() => scene.stop());

  afterEach(async () => {
    await scene.kube.delete(RESOURCE_QUOTA_KIND, { namespace: 'default', name: 'tight' }, {}).catch(() => undefined);
    await eventually(async () => {
      // an object that was still to be written is found in the next attempt
      const { items } = await scene.kube.list(SANDBOX_KIND);
      for (const { metadata } of items) await calls.remove(metadata.name ?? '');
      return (await scene.left()).length === 0;
    }, 30_000);
  });

  /** Creates a quota, and waits until the gateways have read it. */
  async function limit(hard: Record<string, string>): Promise<void> {
    const quota: ResourceQuota = { metadata: { name: 'tight', namespace: 'default' }, spec: { hard } };
    await scene.kube.create(RESOURCE_QUOTA_KIND, { apiVersion: 'v1', kind: 'ResourceQuota', ...quota });
    await new Promise((resolve) => setTimeout(resolve, 500));
  }

  it('refuses a create above the number of sandboxes, with the limit and a retry delay', async () => {
    await limit({ [COUNT]: '1' });
    expect(await calls.create('one')).toMatchObject({ code: 'OK' });
    const refused = [await calls.create('two'), await calls.create('two', STRONG)];
    for (const { code, message, trailers } of refused) {
      expect(code).toBe('RESOURCE_EXHAUSTED');
      expect(message).toContain(`${COUNT} is limited to 1, 1 are in use`);
      expect(Number(trailers['retry-delay-ms'])).toBeGreaterThan(0);
    }
    await expect(scene.object('two')).rejects.toThrow();
    await calls.remove('one');
    await eventually(async () => (await calls.create('two')).code === 'OK', 20_000);
  });

  it('counts creates in flight: concurrent creates do not exceed the limit', async () => {
    await limit({ [COUNT]: '2' });
    const made = await Promise.all(Array.from({ length: 12 }, (_, i) => calls.create(`at-once-${i}`)));
    expect(made.filter(({ code }) => code === 'OK')).toHaveLength(2);
    expect(made.filter(({ code }) => code === 'RESOURCE_EXHAUSTED')).toHaveLength(10);
  });

  it('counts CPU and memory, and requires that creates name them', async () => {
    await limit({ 'sandbox.fast.io/cpu': '1', 'sandbox.fast.io/memory': '96Mi' });
    const unsaid = await calls.create('unsaid', { resources: { cpu: '100m' } });
    expect(unsaid).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(unsaid.message).toContain('resources.memory: must be given');
    const half = { resources: { cpu: '100m', memory: '64Mi' } };
    expect(await calls.create('half', half)).toMatchObject({ code: 'OK' });
    const more = await calls.create('more', half);
    expect(more).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    expect(more.message).toContain('sandbox.fast.io/memory is limited to 96Mi, 64Mi are in use, 64Mi more');
    const quick = await calls.create('quick', { resources: { cpu: '950m', memory: '16Mi' } });
    expect(quick.message).toContain('sandbox.fast.io/cpu is limited to 1, 0.1 are in use');
  });

  it('limits creates per second, with a retry delay', async () => {
    await limit({ 'sandbox.fast.io/creates-per-second': '2' });
    const poor = { image: 'no-such-image:1' };
    const codes = [];
    for (let i = 0; i < 4; i++) codes.push(await calls.create(`fast-${i}`, poor));
    const refused = codes.filter(({ code }) => code === 'RESOURCE_EXHAUSTED');
    expect(refused.length).toBeGreaterThanOrEqual(1);
    const { message, trailers } = refused[0]!;
    expect(message).toContain('limits sandbox.fast.io/creates-per-second to 2');
    const wait = Number(trailers['retry-delay-ms']);
    expect(wait).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, wait + 20));
    expect((await calls.create('fast-again', poor)).code).not.toBe('RESOURCE_EXHAUSTED');
  });

  it('counts the sandboxes that another gateway made', async () => {
    const other = new GatewayCalls(await scene.replica('other'));
    await limit({ [COUNT]: '1' });
    expect(await calls.create('here')).toMatchObject({ code: 'OK' });
    await eventually(async () => (await other.get('here')).code === 'OK', 10_000);
    expect(await other.create('there')).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    await scene.end('other');
  });

  it('holds back an object made with kubectl, with reason QuotaExceeded, until there is room', async () => {
    await limit({ 'sandbox.fast.io/cpu': '1' });
    expect(await calls.create('first', { resources: { cpu: '600m' } })).toMatchObject({ code: 'OK' });
    const spec = { image: 'busybox', poolRef: 'pool', command: ['sleep', '1000'], resources: { cpu: '500m' } };
    const object: Sandbox = {
      apiVersion: API_VERSION,
      kind: 'Sandbox',
      metadata: { name: 'by-hand', namespace: 'default' },
      spec,
    };
    await scene.kube.create(SANDBOX_KIND, object);
    await eventually(async () => {
      const { status } = await scene.object('by-hand');
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      return status?.phase === 'Pending' && ready?.reason === 'QuotaExceeded';
    }, 10_000);
    expect(await scene.left()).toHaveLength(3); // two objects, one container
    await calls.remove('first');
    await eventually(async () => (await scene.object('by-hand')).status?.phase === 'Running', 30_000);
  });

  it('counts refused creates in the metrics, by limit', async () => {
    await limit({ [COUNT]: '0' });
    expect(await calls.create('none')).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    const metrics = await scene.metrics('fastpath-gateway');
    expect(Number(/fastpath_limited_creates_total\{limit="sandboxes"\} (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(0);
  });
});

describe('a gateway with more creates than --max-creates-in-flight', () => {
  const NAMESPACES = ['greedy', 'modest'] as const;
  const CREATE_MS = 200;
  let scene: GatewayScene;
  let calls: GatewayCalls;
  const agents: SimulatedAgent[] = [];

  beforeAll(async () => {
    scene = await GatewayScene.start('fairness');
    const port = await freePort();
    for (const [index, namespace] of NAMESPACES.entries()) {
      await scene.kube.create(NAMESPACE_KIND, { metadata: { name: namespace } });
      const pool = await AgentPool.make(scene.kube, 'pool', { maxSandboxesPerPod: 200 }, namespace);
      const traits = { name: 'agent', address: `127.0.3.${index + 1}`, port, slots: 200 };
      const agent = await SimulatedAgent.start({ ...traits, uid: await pool.addPod('agent') }, scene.agent.pki);
      agent.createMs = CREATE_MS;
      agents.push(agent);
      await pool.setAddress('agent', traits.address);
    }
    calls = new GatewayCalls(
      await scene.replica('small', { 'max-creates-in-flight': '8', 'agent-port': String(port) }),
    );
  }, 120_000);
  afterAll(async () => {
    for (const agent of agents) await agent.stop();
    await scene.stop();
  });

  it('lets a namespace wait for its own creates, not for those of another', async () => {
    const ended: string[] = [];
    const create = async (namespace: string, index: number): Promise<void> => {
      const { code } = await calls.create(`${namespace}-${index}`, { namespace }, 60_000);
      expect(code).toBe('OK');
      ended.push(namespace);
    };
    const greedy = Array.from({ length: 100 }, (_, index) => create('greedy', index));
    await new Promise((resolve) => setTimeout(resolve, CREATE_MS / 2));
    for (let index = 0; index < 5; index++) await create('modest', index);
    // in a single queue even the first would have come after all hundred
    expect(ended.filter((namespace) => namespace === 'greedy').length).toBeLessThan(60);
    await Promise.all(greedy);
  });
});
