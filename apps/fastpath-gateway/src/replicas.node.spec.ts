import { ConsistencyMode } from '@fsb/api/gen/fastpath/v1/fastpath';
import { EVENT_KIND, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { API_VERSION } from '@fsb/api/sandbox';
import { eventually } from '../../../test/support/eventually';
import { GatewayCalls } from './testing/gateway-calls';
import { GatewayScene } from './testing/gateway-scene';

jest.setTimeout(240_000);
const CONTROLLER = 'sandbox-controller';
const SOON = 60_000;

describe('two gateways', () => {
  let scene: GatewayScene;
  let one: GatewayCalls;
  let two: GatewayCalls;

  beforeAll(async () => {
    scene = await GatewayScene.start('replicas');
    one = new GatewayCalls(scene.sandboxes);
    two = new GatewayCalls(await scene.replica('two'));
    await scene.end(CONTROLLER);
    // as on a cluster: two replicas, of which one leads
    await scene.launch(CONTROLLER, {}, 'leader');
    await scene.launch(CONTROLLER, {}, 'standby');
  }, 300_000);

  afterAll(() => scene.stop(), 120_000);

  const ids = async () => (await scene.agent.status()).sandboxStatuses.map(({ sandboxId }) => sandboxId);
  const nothingLeft = () => eventually(async () => expect(await scene.left()).toEqual([]), SOON);
  async function end(...names: string[]): Promise<void> {
    for (const name of names) expect((await two.remove(name)).code).toBe('OK');
    await nothingLeft();
  }
  async function eventsOf(name: string): Promise<string[]> {
    const { items } = await scene.kube.list(EVENT_KIND, { namespace: 'default' });
    return items.flatMap((event) => (event.involvedObject.name === name ? `${event.reason}: ${event.message}` : []));
  }

  it('give a name to one of two simultaneous creates; the other container ends, and its caller can tell', async () => {
    let winner = '';
    let loser = '';
    // often the second gateway learns of the first create in time: then there was no race
    for (let round = 0; loser === '' && round < 20; round++) {
      const outcomes = await Promise.all([one.create('same', {}, SOON), two.create('same', {}, SOON)]);
      const made = outcomes.flatMap(({ answer }) => answer?.sandboxId ?? []);
      expect(made.length).toBeGreaterThan(0);
      if (made.length === 1) {
        await end('same');
        continue;
      }
      winner = await eventually(async () => (await scene.object('same')).status?.sandboxID ?? false, SOON);
      loser = made.find((id) => id !== winner) ?? '';
      expect(made).toContain(winner);
    }
    expect(loser).not.toBe('');
    await eventually(async () => expect(await ids()).toEqual([winner]), SOON);
    for (const calls of [one, two]) {
      expect((await calls.get('same', winner)).code).toBe('OK');
      expect((await calls.get('same', loser)).code).toBe('FAILED_PRECONDITION');
      expect((await calls.remove('same', loser)).code).toBe('FAILED_PRECONDITION');
      expect((await calls.label('same', loser)).code).toBe('FAILED_PRECONDITION');
      expect((await calls.label('same', winner)).answer?.success).toBe(true);
    }
    expect(await ids()).toEqual([winner]);
    expect((await two.remove('same', winner)).code).toBe('OK');
    await nothingLeft();
  });

  it('answer the later of two simultaneous STRONG creates with ALREADY_EXISTS, as for a known name', async () => {
    const strong = { consistencyMode: ConsistencyMode.STRONG };
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.all([one.create('twin', strong, SOON), two.create('twin', strong, SOON)]);
      expect(outcomes.map(({ code }) => code).sort()).toEqual(['ALREADY_EXISTS', 'OK']);
      const refused = outcomes.find(({ code }) => code !== 'OK');
      expect(refused?.message).toMatch(/^name: sandbox "twin" already exists in namespace "default"; delete it first/);
      await end('twin');
    }
  });

  it('leave nothing when one deletes at once what the other has created', async () => {
    for (let round = 0; round < 8; round++) {
      const name = `brief-${round}`;
      const { code, answer } = await one.create(name, {}, SOON);
      expect(code).toBe('OK');
      expect((await two.remove(name, answer?.sandboxId)).code).toBe('OK');
      await nothingLeft();
    }
  });

  it('end a container whose name was taken before its object was written, and record an Event', async () => {
    await scene.api.kill();
    const { answer } = await one.create('taken', {}, SOON);
    const gateway = scene.pidOf('fastpath-gateway');
    process.kill(gateway, 'SIGSTOP');
    try {
      await scene.api.launch();
      const spec = { image: 'busybox', poolRef: 'empty', command: ['/bin/sleep', '1000'] };
      const metadata = { name: 'taken', namespace: 'default' };
      await scene.kube.create(SANDBOX_KIND, { apiVersion: API_VERSION, kind: 'Sandbox', metadata, spec });
    } finally {
      process.kill(gateway, 'SIGCONT');
    }
    await eventually(async () => expect(await ids()).toEqual([]), SOON);
    await eventually(async () => {
      expect(await eventsOf('taken')).toContainEqual(expect.stringContaining(answer?.sandboxId ?? 'no answer'));
    }, SOON);
    expect((await one.get('taken', answer?.sandboxId)).code).toBe('FAILED_PRECONDITION');
    await end('taken');
  });
});
