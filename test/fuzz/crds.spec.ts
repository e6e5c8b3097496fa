import { join } from 'node:path';
import { POD_KIND, POOL_KIND, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { GatewayCalls } from '../../apps/fastpath-gateway/src/testing/gateway-calls';
import { GatewayScene } from '../../apps/fastpath-gateway/src/testing/gateway-scene';
import { eventually } from '../support/eventually';
import { fuzz } from './fuzz';
import { type KubeRequest, poolCreates, sandboxCreates } from './kube-requests';
import { WatchedProcess } from './watched-process';

const MOST_MIB = 96;
const OURS = '/apis/sandbox.fast.io/v1alpha1/namespaces/default';
const MERGE = { 'content-type': 'application/merge-patch+json' };
/** Pools with more agents are no invalid field, and take long to remove. */
const MOST_AGENTS = 3;

describe('Controllers and gateway: survive every object that the API server accepts', () => {
  let scene: GatewayScene;
  let watched: WatchedProcess[];

  beforeAll(async () => {
    scene = await GatewayScene.start('crdfuzz');
    const ca = scene.agent.pki.folder;
    await scene.launch('pool-controller', {
      ...{ 'leader-elect': 'false', 'agent-ca-cert-file': join(ca, 'ca.crt'), 'agent-ca-key-file': join(ca, 'ca.key') },
    });
    const names = ['fastpath-gateway', 'sandbox-controller', 'pool-controller'];
    watched = names.map((name) => new WatchedProcess(name, scene.pidOf(name)));
  }, 120_000);

  afterEach(async () => {
    for (const process_ of watched) await process_.expectUnharmed(MOST_MIB);
    const calls = new GatewayCalls(scene.sandboxes);
    expect(await calls.create('good')).toMatchObject({ code: 'OK' });
    expect(await calls.remove('good')).toMatchObject({ code: 'OK' });
  }, 60_000);

  afterAll(() => scene.stop(), 60_000);

  /** Stores an object under a new name. @returns whether it was stored */
  async function store({ path, body }: KubeRequest, keep: (stored: object) => boolean = () => true): Promise<boolean> {
    const text = (body ?? '').replaceAll('"hostile"', `"hostile-${++made}"`);
    if (!keep(parsed(text))) return false;
    return (await scene.api.ask('POST', path, text)).status === 201;
  }
  let made = 0;

  /** Removes objects, also those with an unknown finalizer. */
  async function removeAll(plural: string, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const { status } = await scene.api.ask('DELETE', `${OURS}/${plural}/${name}`);
      expect([200, 404]).toContain(status);
      if (plural === 'sandboxpools')
        await scene.api.ask('PATCH', `${OURS}/${plural}/${name}`, { metadata: { finalizers: null } }, MERGE);
    }
  }

  it('sandboxes', async () => {
    let stored = 0;
    await fuzz('CRDs, sandboxes watched', 0.015, sandboxCreates, async (request) => {
      if (await store(request)) stored++;
    });
    expect(stored).toBeGreaterThan(0);
    const { items } = await scene.kube.list(SANDBOX_KIND);
    await removeAll(
      'sandboxes',
      items.map(({ metadata }) => metadata.name ?? ''),
    );
    await eventually(async () => (await scene.kube.list(SANDBOX_KIND)).items.length === 0, 60_000);
  }, 180_000);

  it('pools', async () => {
    const isSmall = (pool: object): boolean => {
      const { poolMin = 0, bufferMin = 0 } =
        (pool as { spec?: { capacity?: Record<string, number> } }).spec?.capacity ?? {};
      return poolMin <= MOST_AGENTS && bufferMin <= MOST_AGENTS;
    };
    await fuzz('CRDs, pools watched', 0.01, poolCreates, async (request) => {
      await store(request, isSmall);
    });
    const { items } = await scene.kube.list(POOL_KIND);
    const ours = items.map(({ metadata }) => metadata.name ?? '').filter((name) => !['pool', 'empty'].includes(name));
    expect(ours.length).toBeGreaterThan(0);
    await removeAll('sandboxpools', ours);
    await eventually(async () => (await scene.kube.list(POOL_KIND)).items.length === 2, 60_000);
    await eventually(async () => (await scene.kube.list(POD_KIND)).items.length === 1, 60_000);
  }, 180_000);
});

/** Parses JSON. Text that is not JSON is refused anyway and gives {}. */
function parsed(text: string): object {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}
