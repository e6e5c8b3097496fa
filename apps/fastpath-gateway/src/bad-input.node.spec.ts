import { makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js';
import {
  CreateRequest,
  DeleteRequest,
  FailurePolicy,
  GetRequest,
  ListRequest,
  UpdateRequest,
} from '@fsb/api/gen/fastpath/v1/fastpath';
import { StreamLogsRequest } from '@fsb/api/gen/fastpath/v1/logs';
import { call, GatewayScene, methodOf, type CallOutcome } from './testing/gateway-scene';

const long = 'x'.repeat(300);
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('fastpath-gateway, invalid requests', () => {
  let scene: GatewayScene;

  beforeAll(async () => {
    scene = await GatewayScene.start('gwbad');
  }, 120_000);

  afterAll(() => scene.stop(), 60_000);

  function create(more: Parameters<typeof CreateRequest.fromPartial>[0]): Promise<CallOutcome<unknown>> {
    const plain = { name: 'bad', image: 'busybox', poolRef: 'pool', command: ['/bin/sleep', '100'] };
    return call(scene.sandboxes.createSandbox.bind(scene.sandboxes), CreateRequest.fromPartial({ ...plain, ...more }));
  }

  it.each([
    ['no image', { image: '' }, 'INVALID_ARGUMENT', /^image: /],
    ['an image in capitals', { image: 'Busy/Box' }, 'INVALID_ARGUMENT', /^image: .*allowed/],
    ['an image with a space', { image: 'busy box' }, 'INVALID_ARGUMENT', /^image: /],
    ['an image with a short digest', { image: 'busybox@sha256:ab' }, 'INVALID_ARGUMENT', /^image: .*digest/],
    ['an image that is a URL', { image: 'https://ghcr.io/a/b' }, 'INVALID_ARGUMENT', /^image: /],
    ['an image that nobody has', { image: 'nobody/nothing:1' }, 'NOT_FOUND', /nothing/],
    ['an unknown pull policy', { imagePullPolicy: 'Sometimes' }, 'INVALID_ARGUMENT', /^image_pull_policy: .*Never/],
    [
      'an image that the pool does not allow',
      { poolRef: 'strict' },
      'INVALID_ARGUMENT',
      /^image: .*"strict" allows: ghcr.io/,
    ],
    ['no pool', { poolRef: '' }, 'INVALID_ARGUMENT', /^pool_ref: is required/],
    ['a pool that is a path', { poolRef: '../pool' }, 'INVALID_ARGUMENT', /^pool_ref: /],
    ['an unknown pool', { poolRef: 'nowhere' }, 'NOT_FOUND', /^pool_ref: .*nowhere/],
    ['a pool of another namespace', { namespace: 'kube-system' }, 'NOT_FOUND', /^pool_ref: .*kube-system/],
    ['a pool without agents', { poolRef: 'empty' }, 'UNAVAILABLE', /no agent ready/],
    ['a name in capitals', { name: 'Bad' }, 'INVALID_ARGUMENT', /^name: .*a-z/],
    ['a name that ends with a dash', { name: 'bad-' }, 'INVALID_ARGUMENT', /^name: /],
    ['a name with a slash', { name: 'a/b' }, 'INVALID_ARGUMENT', /^name: /],
    ['a name that is too long', { name: long }, 'INVALID_ARGUMENT', /^name: .*253/],
    ['a namespace with a dot', { namespace: 'a.b' }, 'INVALID_ARGUMENT', /^namespace: /],
    ['port 0', { exposedPorts: [0] }, 'INVALID_ARGUMENT', /^exposed_ports: 0 .*65535/],
    ['a negative port', { exposedPorts: [-1] }, 'INVALID_ARGUMENT', /^exposed_ports: -1/],
    ['port 65536', { exposedPorts: [65_536] }, 'INVALID_ARGUMENT', /^exposed_ports: 65536/],
    ['a port twice', { exposedPorts: [80, 80] }, 'INVALID_ARGUMENT', /^exposed_ports: 80/],
    ['too many ports', { exposedPorts: numbers(101) }, 'INVALID_ARGUMENT', /^exposed_ports: .*100/],
    ['a variable with =', { envs: { 'A=B': 'c' } }, 'INVALID_ARGUMENT', /^envs: .*A=B/],
    ['a variable without a name', { envs: { '': 'c' } }, 'INVALID_ARGUMENT', /^envs: /],
    ['NUL in a variable', { envs: { A: 'a\0b' } }, 'INVALID_ARGUMENT', /^envs.*NUL/],
    ['NUL in the command', { command: ['/bin/echo', 'a\0b'] }, 'INVALID_ARGUMENT', /^command: .*NUL/],
    ['an empty program', { command: ['', 'a'] }, 'INVALID_ARGUMENT', /^command: /],
    ['a command that is not in the image', { command: ['/bin/no-such-thing'] }, 'NOT_FOUND', /no-such-thing/],
    ['one huge argument', { args: ['a'.repeat(200_000)] }, 'INVALID_ARGUMENT', /^args: .*128 KiB/],
    [
      'many large arguments',
      { args: numbers(6).map(() => 'a'.repeat(100_000)) },
      'INVALID_ARGUMENT',
      /^command, args, envs/,
    ],
    [
      'a message of two megabytes',
      { args: numbers(20).map(() => 'a'.repeat(100_000)) },
      'RESOURCE_EXHAUSTED',
      /larger/,
    ],
    ['a relative folder', { workingDir: 'tmp' }, 'INVALID_ARGUMENT', /^working_dir: .*absolute/],
    ['a label key with a space', { labels: { 'a b': 'c' } }, 'INVALID_ARGUMENT', /^labels: /],
    ['a label value that is too long', { labels: { a: 'c'.repeat(64) } }, 'INVALID_ARGUMENT', /^labels: .*63/],
    ['a label of the system', { labels: { 'sandbox.fast.io/created-by': 'me' } }, 'INVALID_ARGUMENT', /^labels: /],
    ["a label below the system's", { labels: { 'a.sandbox.fast.io/b': 'me' } }, 'INVALID_ARGUMENT', /^labels: /],
    ['memory that is no quantity', { resources: { memory: 'lots' } }, 'INVALID_ARGUMENT', /^resources.memory: /],
    ['negative cpu', { resources: { cpu: '-1' } }, 'INVALID_ARGUMENT', /^resources.cpu: /],
    ['less memory than a process needs', { resources: { memory: '1Ki' } }, 'INVALID_ARGUMENT', /memory/],
    ['no pids at all', { resources: { pids: '0' } }, 'INVALID_ARGUMENT', /^resources.pids: /],
    ['an expiry in the past', { expireTimeSeconds: 1_000 }, 'INVALID_ARGUMENT', /^expire_time_seconds: .*future/],
    ['an expiry after the year 9999', { expireTimeSeconds: 10 ** 12 }, 'INVALID_ARGUMENT', /^expire_time_seconds: /],
    ['an unknown policy', { failurePolicy: 7 }, 'INVALID_ARGUMENT', /^failure_policy: .*MANUAL/],
    ['a recovery timeout of 0', { recoveryTimeoutSeconds: 0 }, 'INVALID_ARGUMENT', /^recovery_timeout_seconds: /],
    ['an unknown mode', { consistencyMode: 9 }, 'INVALID_ARGUMENT', /^consistency_mode: .*FAST/],
    ['a request id that is too long', { requestId: long }, 'INVALID_ARGUMENT', /^request_id: .*128/],
  ])('create: refuses %s, and leaves nothing', async (_what, more, code, message) => {
    expect(await create(more)).toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(await scene.left()).toEqual([]);
  });

  it("create: refuses the agents' own port", async () => {
    const { code, message } = await create({ exposedPorts: [scene.agent.port] });
    expect({ code, message }).toEqual({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/agent's own/) as string,
    });
  });

  const update = (more: Parameters<typeof UpdateRequest.fromPartial>[0]) =>
    call(scene.sandboxes.updateSandbox.bind(scene.sandboxes), UpdateRequest.fromPartial({ sandboxName: 'a', ...more }));
  const remove = (sandboxName: string) =>
    call(scene.sandboxes.deleteSandbox.bind(scene.sandboxes), DeleteRequest.fromPartial({ sandboxName }));
  const get = (sandboxName: string) =>
    call(scene.sandboxes.getSandbox.bind(scene.sandboxes), GetRequest.fromPartial({ sandboxName }));
  const list = (request: Parameters<typeof ListRequest.fromPartial>[0]) =>
    call(scene.sandboxes.listSandboxes.bind(scene.sandboxes), ListRequest.fromPartial(request));

  it.each([
    ['update without a name', () => update({ sandboxName: '', labels: { a: 'b' } }), /^sandbox_name: is required/],
    ['update of nothing', () => update({}), /^update: one of/],
    ['a reset that is no time', () => update({ update: { $case: 'resetRevision', value: 'now' } }), /^reset_rev.*3339/],
    [
      'an unknown policy',
      () => update({ update: { $case: 'failurePolicy', value: FailurePolicy.UNRECOGNIZED } }),
      /^failure_policy: /,
    ],
    ['a timeout of -1', () => update({ update: { $case: 'recoveryTimeoutSeconds', value: -1 } }), /^recovery_timeout/],
    ['an expiry of -1', () => update({ update: { $case: 'expireTimeSeconds', value: -1 } }), /^expire_time_seconds: /],
    ['a label key of nothing', () => update({ labels: { '': 'b' } }), /^labels: /],
    ['delete without a name', () => remove(''), /^sandbox_name: is required/],
    ['delete of a path', () => remove('../a'), /^sandbox_name: /],
    ['get without a name', () => get(''), /^sandbox_name: is required/],
    ['list with a negative limit', () => list({ limit: -1 }), /^limit: /],
    ['list with an invented continue', () => list({ continue: 'abc' }), /^continue: /],
    ['list of a malformed namespace', () => list({ namespace: 'A B' }), /^namespace: /],
  ])('refuses %s', async (_what, ask, message) => {
    expect(await ask()).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message) as string,
    });
  });

  it.each([
    ['without a name', { sandboxName: '' }, 3, /sandbox_name/],
    ['of nobody', { sandboxName: 'nobody' }, 5, /nobody/],
    ['with a negative tail', { sandboxName: 'nobody', tailLines: -1 }, 3, /tail_lines/],
  ])('refuses logs %s', async (_what, request, code, message) => {
    const stream = scene.logs.streamLogs(StreamLogsRequest.fromPartial(request));
    const error = await new Promise<ServiceError>((resolve) => stream.on('error', resolve).resume());
    expect(error).toMatchObject({ code, details: expect.stringMatching(message) as string });
  });

  it('refuses bytes that are no message, and an unknown method', async () => {
    const path = '/fastpath.v1.FastPathService/';
    const definition = (method: string) => ({
      path: path + method,
      ...{ requestStream: false, responseStream: false },
      requestSerialize: (value: Buffer) => value,
      requestDeserialize: (value: Buffer) => value,
      responseSerialize: (value: Buffer) => value,
      responseDeserialize: (value: Buffer) => value,
    });
    const RawClient = makeGenericClientConstructor({ c: definition('CreateSandbox'), n: definition('Nothing') }, 'raw');
    const raw = new RawClient(scene.endpoint, scene.credentials);
    const broken = await call<Buffer, Buffer>(methodOf(raw, 'c'), Buffer.from([0x0a, 0xff, 0xff]));
    const unknown = await call<Buffer, Buffer>(methodOf(raw, 'n'), Buffer.alloc(0));
    raw.close();
    expect([broken.code, unknown.code]).toEqual(['INVALID_ARGUMENT', 'UNIMPLEMENTED']);
    expect(await scene.left()).toEqual([]);
  });
});
