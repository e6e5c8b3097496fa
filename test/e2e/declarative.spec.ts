import { eventually } from '../support/eventually';
import { Stack } from '../support/stack';

const SANDBOX = (spec: string, name = 'bad'): string =>
  `{"apiVersion":"sandbox.fast.io/v1alpha1","kind":"Sandbox","metadata":{"name":"${name}","namespace":"default"},"spec":${spec}}`;
const POOL = (spec: string): string =>
  `{"apiVersion":"sandbox.fast.io/v1alpha1","kind":"SandboxPool","metadata":{"name":"bad","namespace":"default"},"spec":${spec}}`;

describe('Sandboxes and pools made with kubectl', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start();
  }, 180_000);

  afterAll(() => stack.end(), 120_000);

  const agents = async (): Promise<string[]> => {
    const names = await stack.kubectl('get', 'pods', '-l', 'app=sandbox-agent', '-o', 'name');
    return names.split('\n').filter(Boolean);
  };
  const setMin = (poolMin: number) =>
    stack.kubectl(
      'patch',
      'sbp',
      'default-pool',
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { capacity: { poolMin } } }),
    );

  it('pool: runs as many ready agents as poolMin says', async () => {
    await stack.kubectl('apply', '-f', 'k8s/samples/pool.yaml');
    await eventually(async () => expect(await agents()).toHaveLength(1), 30_000, 200);
    await stack.kubectl('wait', '--for=condition=Ready', 'pod', '-l', 'app=sandbox-agent', '--timeout=60s');
    await setMin(2);
    await eventually(async () => expect(await agents()).toHaveLength(2), 30_000, 200);
    await stack.kubectl('wait', '--for=condition=Ready', 'pod', '-l', 'app=sandbox-agent', '--timeout=60s');
    await eventually(async () => {
      const status = await stack.kubectl(
        'get',
        'sbp',
        'default-pool',
        '-o',
        'jsonpath={.status.readyPods}/{.status.currentPods}',
      );
      expect(status).toBe('2/2');
    }, 20_000);
    await setMin(1);
    await eventually(async () => expect(await agents()).toHaveLength(1), 60_000, 500);
  }, 200_000);

  it('sandbox: gets Running with endpoints and node; on delete the container ends before the object', async () => {
    await stack.kubectl('apply', '-f', 'k8s/samples/sandbox.yaml');
    await stack.kubectl('wait', '--for=jsonpath={.status.phase}=Running', 'sandbox/my-sandbox', '--timeout=60s');
    const { status } = JSON.parse(await stack.kubectl('get', 'sbx', 'my-sandbox', '-o', 'json')) as {
      status: { sandboxID: string; nodeName: string; endpoints: string[] };
    };
    expect(status.nodeName).not.toBe('');
    expect(status.endpoints[0]).toMatch(/^[\d.]+:\d+$/);
    await eventually(async () => expect(await stack.containers()).toContain(status.sandboxID));
    expect(await stack.fsbCtl('list')).toMatch(/my-sandbox/);
    await stack.kubectl('delete', 'sandbox', 'my-sandbox', '--timeout=60s');
    expect(await stack.containers()).not.toContain(status.sandboxID);
  }, 150_000);

  // where the API server publishes the schema, kubectl itself refuses some of these, with its own messages
  it.each([
    ['no image', SANDBOX('{"poolRef":"default-pool"}'), /spec\.image|spec.*"image"/],
    ['an empty image', SANDBOX('{"image":"","poolRef":"default-pool"}'), /spec\.image/],
    ['no pool', SANDBOX('{"image":"busybox"}'), /spec\.poolRef|spec.*"poolRef"/],
    ['a port of 0', SANDBOX('{"image":"a","poolRef":"b","exposedPorts":[0]}'), /spec\.exposedPorts/],
    ['a port of 65536', SANDBOX('{"image":"a","poolRef":"b","exposedPorts":[65536]}'), /spec\.exposedPorts/],
    ['a port that is text', SANDBOX('{"image":"a","poolRef":"b","exposedPorts":["http"]}'), /exposedPorts/],
    ['a command that is text', SANDBOX('{"image":"a","poolRef":"b","command":"ls"}'), /spec\.command/],
    [
      'a variable without a name',
      SANDBOX('{"image":"a","poolRef":"b","envs":[{"value":"x"}]}'),
      /envs\[0\](\.name|.*"name")/,
    ],
    ['an unknown mode', SANDBOX('{"image":"a","poolRef":"b","consistencyMode":"weak"}'), /consistencyMode.*fast/],
    ['an unknown policy', SANDBOX('{"image":"a","poolRef":"b","failurePolicy":"Never"}'), /failurePolicy.*Manual/],
    ['a time-out of 0', SANDBOX('{"image":"a","poolRef":"b","recoveryTimeoutSeconds":0}'), /recoveryTimeoutSeconds/],
    ['an invalid time', SANDBOX('{"image":"a","poolRef":"b","expireTime":"soon"}'), /expireTime/],
    ['an unknown field', SANDBOX('{"image":"a","poolRef":"b","imagee":"c"}'), /imagee/],
    ['a name in capitals', SANDBOX('{"image":"a","poolRef":"b"}', 'BAD'), /metadata\.name/],
    ['a negative pool', POOL('{"capacity":{"poolMin":-1}}'), /spec\.capacity\.poolMin/],
    ['an unknown runtime', POOL('{"runtimeType":"vm"}'), /runtimeType.*gvisor/],
  ])('refuses %s and names the field', async (_what, object, message) => {
    const { code, stderr } = await stack.tryKubectl(['apply', '-f', '-'], object);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    const left = await stack.kubectl('get', 'sandboxes,sandboxpools', '-o', 'name');
    expect(left).not.toMatch(/bad/i);
  });

  it('pool: its deletion ends its agents and fails its sandboxes', async () => {
    await stack.kubectl('apply', '-f', 'k8s/samples/sandbox.yaml');
    await stack.kubectl('wait', '--for=jsonpath={.status.phase}=Running', 'sandbox/my-sandbox', '--timeout=60s');
    await stack.kubectl('delete', 'sbp', 'default-pool', '--timeout=60s');
    await eventually(async () => expect(await agents()).toEqual([]), 60_000, 500);
    await eventually(async () => {
      const status = await stack.kubectl('get', 'sbx', 'my-sandbox', '-o', 'jsonpath={.status.phase} {.status.reason}');
      expect(status).toBe('Failed PoolDeleted');
    }, 30_000);
    await eventually(async () => expect(await stack.containers()).toEqual([]), 60_000, 500);
    await stack.kubectl('delete', 'sandbox', 'my-sandbox', '--timeout=60s');
  }, 200_000);
});
