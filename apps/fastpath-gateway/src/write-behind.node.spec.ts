import { setTimeout as sleep } from 'node:timers/promises';
import { EVENT_KIND } from '@fsb/controller-runtime/kinds';
import { eventually } from '../../../test/support/eventually';
import { type Asked, type Gate } from '../../../test/support/gate';
import { GatewayCalls } from './testing/gateway-calls';
import { GatewayScene } from './testing/gateway-scene';

jest.setTimeout(240_000);
const CONTROLLER = 'sandbox-controller';
const ORPHAN_TIMEOUT = '4s';
const SOON = 60_000;
/** Longer than the orphan timeout, the agents' heartbeats and the controllers' leases. */
const OUTAGE_MS = 22_000;
const QUOTA = {
  ...{ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Forbidden', code: 403 },
  message: 'sandboxes.sandbox.fast.io is forbidden: exceeded quota: objects',
};
const INVALID = {
  ...{ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Invalid', code: 422 },
  message: 'Sandbox.sandbox.fast.io is invalid: spec.image: a policy of the cluster',
};

const isObject = ({ method, path }: Asked): boolean => method === 'POST' && path.endsWith('/sandboxes');

describe('the object behind a FAST create', () => {
  let scene: GatewayScene;
  let one: GatewayCalls;

  beforeAll(async () => {
    scene = await GatewayScene.start('write-behind');
    one = new GatewayCalls(scene.sandboxes);
    await scene.end(CONTROLLER);
    for (const name of ['leader', 'standby'])
      await scene.launch(CONTROLLER, { 'fastpath-orphan-timeout': ORPHAN_TIMEOUT }, name);
  }, 300_000);

  afterAll(() => scene.stop(), 120_000);

  const ids = async () => (await scene.agent.status()).sandboxStatuses.map(({ sandboxId }) => sandboxId);
  const idInObject = (name: string) =>
    eventually(async () => (await scene.object(name)).status?.sandboxID ?? false, SOON);
  async function end(name: string): Promise<void> {
    expect((await one.remove(name)).code).toBe('OK');
    await eventually(async () => expect(await scene.left()).toEqual([]), SOON);
  }
  async function warnings(name: string): Promise<string[]> {
    const { items } = await scene.kube.list(EVENT_KIND, { namespace: 'default' });
    return items.flatMap(({ involvedObject, type, message }) =>
      involvedObject.name === name && type === 'Warning' ? [message] : [],
    );
  }
  async function gated(name: string): Promise<{ calls: GatewayCalls; api: Gate }> {
    const { client, api } = await scene.gated(name);
    return { calls: new GatewayCalls(client), api };
  }

  it('is written by adoption when its gateway died right after the answer; its request_id stays known', async () => {
    const { calls, api } = await gated('killed');
    const held = api.hold('question', isObject);
    const { code, answer } = await calls.create('adopted', { requestId: 'once' });
    expect(code).toBe('OK');
    await held.reached;
    await expect(scene.object('adopted')).rejects.toMatchObject({ code: 'not_found' });
    await scene.kill('killed');
    held.release(); // the object was never sent
    expect(await idInObject('adopted')).toBe(answer?.sandboxId);
    const again = await one.create('adopted', { requestId: 'once' });
    expect(again.answer?.sandboxId).toBe(answer?.sandboxId);
    expect(await ids()).toEqual([answer?.sandboxId]);
    await end('adopted');
  });

  it.each([
    ['a quota', QUOTA],
    ['a policy', INVALID],
  ])('is refused by %s: the container ends, an Event says why, and the name is not found', async (_by, status) => {
    const { calls, api } = await gated(`refused-${status.code}`);
    api.refuse({ matches: isObject, status: status.code, body: status });
    const { code, answer } = await calls.create('unwanted');
    expect(code).toBe('OK');
    await eventually(async () => expect(await ids()).toEqual([]), SOON);
    await eventually(async () => {
      expect(await warnings('unwanted')).toContainEqual(expect.stringContaining(answer?.sandboxId ?? 'no answer'));
    }, SOON);
    expect((await warnings('unwanted')).join()).toContain(status.message.slice(-20));
    for (const each of [calls, one])
      await eventually(async () => expect((await each.get('unwanted')).code).toBe('NOT_FOUND'));
    await end('unwanted');
    await scene.end(`refused-${status.code}`);
  });

  it('is written after an outage of the API server that gateway and controllers did not survive', async () => {
    const { calls } = await gated('outage');
    // caches the caller's token and rights, which the gateway then needs without the API server
    expect((await calls.create('Not a name')).code).toBe('INVALID_ARGUMENT');
    await scene.api.kill();
    const { code, answer } = await calls.create('survivor', { requestId: 'survivor' }, SOON);
    expect(code).toBe('OK');
    for (const name of ['outage', 'leader', 'standby']) await scene.kill(name);
    await sleep(OUTAGE_MS);
    expect(await ids()).toEqual([answer?.sandboxId]);
    await scene.api.launch();
    for (const name of ['leader', 'standby'])
      await scene.launch(CONTROLLER, { 'fastpath-orphan-timeout': ORPHAN_TIMEOUT }, name);
    expect(await idInObject('survivor')).toBe(answer?.sandboxId);
    await eventually(async () => expect((await one.get('survivor')).answer?.phase).toBe('Running'), SOON);
    expect(await ids()).toEqual([answer?.sandboxId]);
    await end('survivor');
  });

  it('is deleted when it is written after a delete at another gateway, although its own gateway died', async () => {
    const { calls, api } = await gated('late');
    const [question, written] = [api.hold('question', isObject), api.hold('answer', isObject)];
    const { answer } = await calls.create('late');
    await question.reached;
    await eventually(async () => expect((await one.get('late')).code).toBe('OK'));
    expect((await one.remove('late', answer?.sandboxId)).code).toBe('OK');
    await eventually(async () => expect(await ids()).toEqual([]), SOON);
    question.release();
    await written.reached;
    await scene.kill('late');
    written.release();
    await eventually(async () => expect(await scene.left()).toEqual([]), SOON);
    expect((await one.get('late')).code).toBe('NOT_FOUND');
  });

  it('stays when the sandbox expires while its gateway writes', async () => {
    const { calls, api } = await gated('expiring');
    const held = api.hold('answer', ({ method, path }) => method === 'PUT' && path.endsWith('/status'));
    const expireTimeSeconds = Math.ceil(Date.now() / 1000) + 2;
    const command = ['/bin/sh', '-c', 'trap "" TERM; sleep 1000']; // uses up its grace period
    expect((await calls.create('brief', { expireTimeSeconds, command })).code).toBe('OK');
    await held.reached;
    await eventually(async () => expect((await scene.object('brief')).status?.phase).toBe('Terminating'), SOON);
    held.release(); // the gateway now binds at the agent, which is ending the container
    await eventually(async () => expect((await scene.object('brief')).status?.phase).toBe('Expired'), SOON);
    expect((await calls.get('brief')).answer?.phase).toBe('Expired');
    await end('brief');
    await scene.end('expiring');
  });

  it('is waited for by an update through a gateway that knows the container alone', async () => {
    const { calls, api } = await gated('slow');
    const held = api.hold('question', isObject);
    const { answer } = await calls.create('patient');
    await held.reached;
    await eventually(async () => expect((await one.get('patient')).code).toBe('OK'));
    const updating = one.label('patient', answer?.sandboxId);
    await sleep(500);
    held.release();
    expect((await updating).answer).toMatchObject({ success: true });
    expect((await scene.object('patient')).metadata.labels).toMatchObject({ seen: 'yes' });
    expect((await one.label('nobody')).answer).toMatchObject({ success: false });
    await end('patient');
    await scene.end('slow');
  });
});
