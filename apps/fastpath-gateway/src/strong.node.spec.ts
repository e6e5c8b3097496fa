import { Metadata } from '@grpc/grpc-js';
import { ConsistencyMode, CreateRequest, FastPathServiceClient } from '@fsb/api/gen/fastpath/v1/fastpath';
import { API_VERSION } from '@fsb/api/sandbox';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { eventually } from '../../../test/support/eventually';
import { GatewayCalls } from './testing/gateway-calls';
import { GatewayScene } from './testing/gateway-scene';

jest.setTimeout(180_000);
const CONTROLLER = 'sandbox-controller';
const SOON = 60_000;
const STRONG = { consistencyMode: ConsistencyMode.STRONG };

describe('consistency modes', () => {
  let scene: GatewayScene;
  let one: GatewayCalls;
  let strongByFlag: GatewayCalls;

  beforeAll(async () => {
    scene = await GatewayScene.start('strong');
    one = new GatewayCalls(scene.sandboxes);
    strongByFlag = new GatewayCalls(await scene.replica('strong', { 'fastpath-consistency-mode': 'strong' }));
  }, 300_000);

  afterAll(() => scene.stop(), 120_000);

  const controllerOn = () => scene.launch(CONTROLLER, { 'leader-elect': 'false' });
  const nothingLeft = () => eventually(async () => expect(await scene.left()).toEqual([]), SOON);

  async function end(...names: string[]): Promise<void> {
    for (const name of names) expect((await one.remove(name)).code).toBe('OK');
    await nothingLeft();
  }

  it('are chosen by the request, else by the flag; an object in the API carries its own', async () => {
    const byRequest = await one.create('by-request', STRONG, SOON);
    const byFlag = await strongByFlag.create('by-flag', {}, SOON);
    const fast = await strongByFlag.create('fast', { consistencyMode: ConsistencyMode.FAST }, SOON);
    expect([byRequest, byFlag, fast].map(({ code }) => code)).toEqual(['OK', 'OK', 'OK']);
    for (const [name, { answer }] of [
      ['by-request', byRequest],
      ['by-flag', byFlag],
    ] as const) {
      const object = await scene.object(name);
      expect(object.metadata.uid).toBe(answer?.sandboxId);
      expect(object.spec.consistencyMode).toBe('strong');
    }
    expect(fast.answer?.sandboxId).toMatch(/^[0-9a-f]{32}$/);
    await end('by-request', 'by-flag', 'fast');
    for (const consistencyMode of ['fast', 'strong'] as const) {
      const spec = { image: 'busybox', poolRef: 'pool', command: ['/bin/sleep', '1000'], consistencyMode };
      const metadata = { name: `of-${consistencyMode}`, namespace: 'default' };
      await scene.kube.create(SANDBOX_KIND, { apiVersion: API_VERSION, kind: 'Sandbox', metadata, spec });
      await eventually(async () => expect((await one.get(metadata.name)).answer?.phase).toBe('Running'), SOON);
    }
    await end('of-fast', 'of-strong');
  });

  it('both answer why a sandbox cannot run, and leave nothing of it', async () => {
    for (const consistencyMode of [ConsistencyMode.FAST, ConsistencyMode.STRONG]) {
      const bad = { image: 'no.such.registry/none:1', consistencyMode };
      expect(await one.create('bad-image', bad, SOON)).toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('no.such.registry/none:1') as string,
      });
      expect(await one.create('bad-pool', { poolRef: 'none', consistencyMode }, SOON)).toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('pool_ref') as string,
      });
      const command = ['/no-such'];
      expect((await one.create('bad-command', { command, consistencyMode }, SOON)).code).toBe('NOT_FOUND');
      await nothingLeft();
    }
  });

  it('STRONG: writes the object first; a caller that left or timed out finds it by name, and it runs', async () => {
    await scene.end(CONTROLLER);
    const call = scene.sandboxes.createSandbox(
      CreateRequest.fromPartial({
        name: 'left',
        image: 'busybox',
        poolRef: 'pool',
        command: ['/bin/sleep', '9'],
        ...STRONG,
      }),
      new Metadata(),
      () => undefined,
    );
    await eventually(async () => expect((await one.get('left')).answer?.phase).toBe('Pending'), SOON);
    expect((await scene.agent.status()).sandboxStatuses).toEqual([]);
    call.cancel();
    expect(await one.create('late', STRONG, 1_500)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    for (const calls of [one, strongByFlag]) {
      await eventually(async () => expect((await calls.get('late')).answer?.phase).toBe('Pending'), SOON);
      expect((await calls.get('left')).answer?.phase).toBe('Pending');
    }
    await controllerOn();
    for (const name of ['left', 'late']) {
      await eventually(async () => expect((await one.get(name)).answer?.phase).toBe('Running'), SOON);
    }
    await end('left', 'late');
  });

  it.each([
    ['FAST', ConsistencyMode.FAST],
    ['STRONG', ConsistencyMode.STRONG],
  ])('answer a repeated request_id alike, through the other replica and after a restart: %s', async (_mode, mode) => {
    const named = { requestId: `named-${mode}`, consistencyMode: mode };
    const nameless = { requestId: `nameless-${mode}`, consistencyMode: mode };
    const first = await one.create('same', named, SOON);
    const generated = await one.create('', nameless, SOON);
    expect([first.code, generated.code]).toEqual(['OK', 'OK']);
    expect((await strongByFlag.create('same', named, SOON)).answer).toEqual(first.answer);
    expect((await strongByFlag.create('', nameless, SOON)).answer).toEqual(generated.answer);
    await scene.kill('fastpath-gateway');
    await scene.launch('fastpath-gateway', { 'grpc-bind-address': scene.endpoint });
    const again = new FastPathServiceClient(scene.endpoint, scene.credentials);
    const calls = new GatewayCalls(again);
    expect((await calls.create('same', named, SOON)).answer).toEqual(first.answer);
    expect((await calls.create('', nameless, SOON)).answer).toEqual(generated.answer);
    expect((await calls.create('same', { ...named, requestId: 'another' })).code).toBe('ALREADY_EXISTS');
    again.close();
    await end('same', generated.answer?.sandboxName ?? '');
  });

  it('STRONG: answers a repeated request_id alike through a replica whose watch has not seen the object', async () => {
    const { client, api, agent } = await scene.between('deaf');
    const deaf = new GatewayCalls(client);
    const request = { ...STRONG, requestId: 'unheard' };
    // caches the caller's token and rights before the API server is cut off
    expect((await deaf.create('Not a name')).code).toBe('INVALID_ARGUMENT');
    const [hearApi, hearAgent] = [api.shut(), agent.shut()];
    const held = api.hold('question', ({ method, path }) => method === 'GET' && /\/sandboxes\?.*watch/.test(path));
    hearApi();
    await held.reached;
    const { code, answer } = await one.create('unheard', request, SOON);
    expect(code).toBe('OK');
    expect((await deaf.get('unheard')).code).toBe('NOT_FOUND');
    expect(await deaf.create('unheard', request, SOON)).toMatchObject({ code: 'OK', answer });
    const other = await deaf.create('unheard', { ...request, requestId: 'another' }, SOON);
    expect(other.code).toBe('ALREADY_EXISTS');
    held.release();
    hearAgent();
    await end('unheard');
    await scene.end('deaf');
  });

  it('let a repeated request join one that its caller gave up, also through another replica', async () => {
    await scene.end(CONTROLLER);
    const request = { ...STRONG, requestId: 'patient' };
    expect((await one.create('joined', request, 1_500)).code).toBe('DEADLINE_EXCEEDED');
    const both = [one, strongByFlag].map((calls) => calls.create('joined', request, SOON));
    await controllerOn();
    const [mine, theirs] = await Promise.all(both);
    expect(mine).toMatchObject({ code: 'OK', answer: { sandboxId: (await scene.object('joined')).metadata.uid } });
    expect(theirs?.answer).toEqual(mine?.answer);
    process.kill(scene.agent.pid, 'SIGSTOP');
    const silent = { requestId: 'silent' };
    const given = await one.create('silent', silent, 1_000).finally(() => process.kill(scene.agent.pid, 'SIGCONT'));
    expect(given.code).toBe('DEADLINE_EXCEEDED');
    const repeated = await one.create('silent', silent, SOON);
    expect(repeated).toMatchObject({ code: 'OK', answer: { sandboxName: 'silent', agentPod: 'agent-1' } });
    expect((await strongByFlag.create('silent', silent, SOON)).answer).toEqual(repeated.answer);
    await end('joined', 'silent');
  });
});
