import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { status } from '@grpc/grpc-js';
import { parse } from 'yaml';
import { SandboxInfo } from '@fsb/api/gen/fastpath/v1/fastpath';
import { LogStream } from '@fsb/api/gen/fastpath/v1/logs';
import { freePort } from '../../../test/support/free-port';
import { eventually } from '../../../test/support/eventually';
import { COMMAND } from './testing/command';
import { CommandScene } from './testing/command-scene';

const scene = CommandScene.forFile();
const { ctl, gateway, line } = scene;
/** an age that stays the same text for a minute; below ten minutes an age has seconds */
const threeHoursAgo = (): number => Math.floor(Date.now() / 1_000) - 3 * 3_600;
const running = (): SandboxInfo =>
  SandboxInfo.fromPartial({
    sandboxId: 'id-1',
    phase: 'Running',
    agentPod: 'agent-1',
    endpoints: ['10.0.0.7:80'],
    createdAt: threeHoursAgo(),
    image: 'busybox',
    poolRef: 'default-pool',
    sandboxName: 'web',
  });

describe('fsb-ctl list', () => {
  it('prints all pages as one aligned table', async () => {
    const other = SandboxInfo.fromPartial({
      ...running(),
      sandboxName: 'a-longer-name',
      phase: 'Lost',
      createdAt: 0,
      endpoints: [],
    });
    const two = SandboxInfo.fromPartial({ ...running(), endpoints: ['10.0.0.1:8080', '10.0.0.1:8081'] });
    gateway.pages = [[two], [other]];
    expect((await ctl('ls')).stdout).toBe(
      [
        'NAME            ID     PHASE     IMAGE     ENDPOINTS                     AGENT     AGE',
        'web             id-1   Running   busybox   10.0.0.1:8080,10.0.0.1:8081   agent-1   3h',
        'a-longer-name   id-1   Lost      busybox   -                             agent-1   <unknown>',
        '',
      ].join('\n'),
    );
    expect(gateway.received).toMatchObject([{ request: { namespace: 'default' } }, { request: { continue: '1' } }]);
  });

  it('-A: lists all namespaces, with a column NAMESPACE', async () => {
    gateway.pages = [[SandboxInfo.fromPartial({ ...running(), namespace: 'dev' })]];
    expect((await ctl('list', '-A')).stdout).toMatch(/^NAMESPACE {3}NAME .*\ndev {9}web /);
    expect(gateway.received[0]).toMatchObject({ request: { namespace: '' } });
  });

  it('says on stderr that there are no sandboxes', async () => {
    expect(await ctl('list')).toEqual({ code: 0, stdout: '', stderr: 'No sandboxes found in namespace default.\n' });
  });
});

describe('fsb-ctl get', () => {
  const object = {
    apiVersion: 'sandbox.fast.io/v1alpha1',
    kind: 'Sandbox',
    metadata: { name: 'web', namespace: 'default', labels: { team: 'blue' } },
    spec: {
      image: 'busybox',
      poolRef: 'default-pool',
      command: ['sh', '-c', 'echo "0123"'],
      expireTime: '2030-01-31T12:00:00Z',
    },
    status: { phase: 'Running', endpoints: ['10.0.0.7:80'] },
  };

  it('prints the whole object as YAML and as JSON', async () => {
    gateway.sandbox = SandboxInfo.fromPartial({ ...running(), objectJson: JSON.stringify(object) });
    const { stdout } = await ctl('get', 'web');
    expect(parse(stdout)).toEqual(object);
    expect(stdout).toMatch(/^apiVersion: sandbox\.fast\.io\/v1alpha1\nkind: Sandbox\nmetadata:\n {2}name: web\n/);
    expect((await ctl('get', 'web', '-o', 'json')).stdout).toBe(`${JSON.stringify(object, null, 4)}\n`);
    expect(gateway.received[0]).toMatchObject({ rpc: 'get', request: { includeObject: true } });
  });

  it('prints the fields of the answer, an exit code of 0 too, when there is no object yet', async () => {
    gateway.sandbox = SandboxInfo.fromPartial({ ...running(), phase: 'Succeeded', exitCode: 0, nodeName: 'n1' });
    expect(JSON.parse((await ctl('get', 'web', '-o', 'json')).stdout)).toMatchObject({
      kind: 'Sandbox',
      metadata: { name: 'web' },
      spec: { image: 'busybox', poolRef: 'default-pool' },
      status: { phase: 'Succeeded', exitCode: 0, nodeName: 'n1', sandboxID: 'id-1' },
    });
  });
});

describe('fsb-ctl get --timings', () => {
  it('draws the stages of the create', async () => {
    gateway.sandbox = running();
    gateway.stages = '[{"name":"claim","ms":2},{"name":"launch","ms":1}]';
    expect((await ctl('get', 'web', '--timings')).stdout).toMatch(
      /^Stages \(warm\):\n {2}claim .*\n {2}launch .*\n {2}total {3}3\.0 ms\n$/,
    );
  });

  it('fails when the stages are not known', async () => {
    gateway.sandbox = running();
    expect(await ctl('get', 'web', '--timings')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('stages of web') as string,
    });
  });
});

describe('fsb-ctl logs', () => {
  it('prints the log of the sandbox id that has the name now', async () => {
    gateway.sandbox = running();
    gateway.log = [Buffer.from('one\n'), Buffer.from([0xff, 0x0a])];
    await expect(ctl('logs', 'web', '--tail', '7')).resolves.toMatchObject({ code: 0 });
    expect(gateway.received[1]).toMatchObject({
      rpc: 'logs',
      request: { sandboxName: 'web', namespace: 'default', sandboxId: 'id-1', follow: false, tailLines: 7 },
    });
  });

  it('prints stderr to stderr, and keeps the order of both when they are one file', async () => {
    gateway.sandbox = running();
    gateway.log = [Buffer.from('one\nproblem\ntwo\n'), Buffer.from('abc\nPROBLEM\nxyz\nrest\n')];
    gateway.turns = [4, 8, 4];
    const apart = { code: 0, stdout: 'one\ntwo\nabc\nxyz\nrest\n', stderr: 'problem\nPROBLEM\n' };
    expect(await ctl('logs', 'web')).toEqual(apart);
    expect(await ctl('run', 'web', '--image', 'busybox', '--follow')).toMatchObject({ stdout: apart.stdout });
    const script = `"${COMMAND}" --endpoint ${scene.endpoint} logs web 2>&1`;
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { env: line.environment });
    expect(stdout).toBe('one\nproblem\ntwo\nabc\nPROBLEM\nxyz\nrest\n');
  });

  it('--stream: prints one stream to stdout', async () => {
    gateway.sandbox = running();
    gateway.log = [Buffer.from('problem\n')];
    gateway.turns = [0, 8];
    const alone = { code: 0, stdout: 'problem\n', stderr: '' };
    expect(await ctl('logs', '--stream', 'stderr', 'web')).toEqual(alone);
    expect(gateway.received[1]).toMatchObject({ rpc: 'logs', request: { stream: LogStream.LOG_STREAM_STDERR } });
  });

  it('stops the gateway while its stdout is not read', async () => {
    gateway.log = Array.from({ length: 500 }, () => Buffer.alloc(64 * 1024, 'x'));
    const child = spawn(COMMAND, ['--endpoint', scene.endpoint, 'logs', '-f', 'web'], { env: line.environment });
    let before = -1;
    // the gateway has stopped when two polls find the same number of chunks
    await eventually(
      () => {
        const stopped = gateway.chunksWritten > 0 && gateway.chunksWritten === before;
        before = gateway.chunksWritten;
        return stopped;
      },
      10_000,
      500,
    );
    expect(gateway.chunksWritten).toBeLessThan(250);
    let bytes = 0;
    child.stdout.on('data', (data: Buffer) => (bytes += data.length));
    await once(child, 'close');
    expect(bytes).toBe(500 * 64 * 1024);
  });

  it('prints no error when its reader closes the pipe', async () => {
    gateway.log = Array.from({ length: 500 }, () => Buffer.alloc(64 * 1024, 'x\n'));
    const script = `"${COMMAND}" --endpoint ${scene.endpoint} logs -f web | head -n 1`;
    const child = execFile('sh', ['-c', script], { env: line.environment });
    let stderr = '';
    child.stderr!.on('data', (data: string) => (stderr += data));
    await once(child, 'close');
    expect(stderr).toBe('');
  });
});

describe('fsb-ctl delete, update, reset', () => {
  it('delete: deletes', async () => {
    expect(await ctl('rm', 'web')).toEqual({ code: 0, stdout: 'Sandbox web deletion triggered\n', stderr: '' });
    expect(gateway.received.map(({ rpc }) => rpc)).toEqual(['get', 'delete']);
  });

  it('delete: deletes a sandbox that is not found too, and exits with 1, or 0 with --ignore-not-found', async () => {
    gateway.missing = true;
    expect(await ctl('delete', 'nope')).toEqual({ code: 1, stdout: '', stderr: 'error: sandbox "nope" not found\n' });
    expect(gateway.received.map(({ rpc }) => rpc)).toEqual(['get', 'delete']);
    expect(await ctl('delete', 'nope', '--ignore-not-found')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it.each([
    [[], undefined],
    [['--now'], 0],
    [['--grace-period', '0'], 0],
    [['--grace-period', '30'], 30],
  ])('delete %j: sends a grace period of %p seconds', async (flags, gracePeriodSeconds) => {
    expect((await ctl('delete', 'web', ...flags)).code).toBe(0);
    const deletes = gateway.received.filter(({ rpc }) => rpc === 'delete');
    expect(deletes).toMatchObject([{ request: { sandboxName: 'web', gracePeriodSeconds } }]);
  });

  it.each([
    [['--grace-period', '-1'], 'from 0 to 3600'],
    [['--grace-period', '5', '--now'], 'cannot be used with'],
  ])('delete %j: is refused', async (flags, message) => {
    const { code, stderr } = await ctl('delete', 'web', ...flags);
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
  });

  it('update: makes one call for each flag, in order', async () => {
    gateway.sandbox = running();
    const flags = ['--labels', 'a=b,c=d', '--recovery-timeout', '9', '--failure-policy', 'AUTO', '--expire-time', '0'];
    const { stdout } = await ctl('update', 'web', ...flags);
    expect(stdout).toBe('✓ Sandbox web updated successfully\nPhase: Running\nAgent: agent-1\n');
    expect(gateway.received.map(({ request }) => request)).toMatchObject([
      { update: { $case: 'expireTimeSeconds', value: 0 }, labels: {} },
      { update: { $case: 'failurePolicy', value: 1 } },
      { update: { $case: 'recoveryTimeoutSeconds', value: 9 } },
      { labels: { a: 'b', c: 'd' } },
    ]);
  });

  it('update: fails on success=false, and names the changes made before', async () => {
    gateway.updateAnswers = [
      { success: true, message: '' },
      { success: false, message: 'failed to update sandbox: conflict' },
    ];
    expect(await ctl('update', 'web', '--expire-time', '30m', '--recovery-timeout', '9')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: --recovery-timeout: failed to update sandbox: conflict (already changed: --expire-time)\n',
    });
  });

  it('reset: sends the current time as the revision', async () => {
    const { stdout } = await ctl('restart', 'web');
    expect(stdout).toMatch(/^✓ Sandbox web reset triggered\n.+\n$/);
    const [received] = gateway.received;
    if (received?.rpc !== 'update' || received.request.update?.$case !== 'resetRevision') throw new Error('no reset');
    expect(Math.abs(Date.parse(received.request.update.value) - Date.now())).toBeLessThan(10_000);
  });
});

describe('fsb-ctl without an answer', () => {
  it('says what to do when no gateway answers', async () => {
    const nobody = `localhost:${await freePort()}`;
    expect(await line.run(['list', '--endpoint', nobody])).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: no gateway answers at ${nobody}: start one with \`make up\`, or set --endpoint; if it has TLS, leave out --insecure-plaintext\n`,
    });
  });

  it('ends a call to a silent gateway after --timeout', async () => {
    gateway.silent = true;
    const { code, stderr } = await ctl('get', 'web', '--timeout', '300ms');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: no answer from 127.0.0.1:\d+ within 0.3 s: .*--timeout.*\n$/);
  });

  it('says that a followed log was broken off, not that a time limit was reached', async () => {
    gateway.log = [Buffer.from('one\n')];
    gateway.logFailure = { code: status.CANCELLED, details: 'the proxy shuts down' };
    expect(await ctl('logs', '-f', 'web')).toEqual({
      code: 1,
      stdout: 'one\n',
      stderr: `error: the gateway at ${scene.endpoint} broke off the call (the proxy shuts down): try again\n`,
    });
  });

  it("prints the gateway's message as one line", async () => {
    gateway.failure = { code: status.RESOURCE_EXHAUSTED, details: 'pool full:\n  poolMax 2' };
    const expected = { code: 1, stdout: '', stderr: 'error: pool full: poolMax 2\n' };
    expect(await ctl('run', 'web', '--image', 'busybox')).toEqual(expected);
  });
});
