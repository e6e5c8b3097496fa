import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../../test/support/eventually';
import { COMMAND } from './testing/command';
import { CommandScene } from './testing/command-scene';

const scene = CommandScene.forFile();
const { ctl, gateway, line } = scene;

describe('fsb-ctl run', () => {
  it('sends the values of the flags and prints the lines that scripts match', async () => {
    gateway.stages = '[{"name":"choose","ms":0.1},{"name":"agent create","ms":12.34}]';
    const flags = ['--image', 'busybox', '--ports', '80,443', '-e', 'A=b=c', '-w', '/work', '-l', 'team=blue'];
    const more = ['--cpu', '500m', '--memory', '64Mi', '--mode', 'fast', '-n', 'dev', '--', 'sh', '-c', 'echo --x'];
    const limits = ['--pids', '77', '--ephemeral-storage', '1Gi'];
    const { code, stdout, stderr } = await ctl('run', 'web', ...flags, ...limits, ...more);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^🎉 Sandbox created successfully in [\d.]+m?s\nName: {6}web\nID: {8}id-1\nAgent: {5}agent-1\nEndpoints: \[10.0.0.7:80 10.0.0.7:443\]\nStages:\n/,
    );
    expect(stdout).toMatch(/ {2}choose {9}0\.1 ms {2}▏\n {2}agent create {2}12\.3 ms {2}█+\n {2}total {9}12\.4 ms\n$/);
    expect(gateway.received).toMatchObject([
      {
        rpc: 'create',
        request: {
          name: 'web',
          namespace: 'dev',
          image: 'busybox',
          poolRef: 'default-pool',
          exposedPorts: [80, 443],
          command: ['sh', '-c', 'echo --x'],
          args: [],
          envs: { A: 'b=c' },
          workingDir: '/work',
          labels: { team: 'blue' },
          resources: { cpu: '500m', memory: '64Mi', pids: '77', ephemeralStorage: '1Gi' },
          consistencyMode: 0,
        },
      },
    ]);
  });

  it('sends no mode without --mode, and prints no stages when there are none', async () => {
    const { stdout } = await ctl('run', 'web', 'sleep', '9', '--image', 'busybox');
    expect(stdout).not.toContain('Stages');
    const [received] = gateway.received;
    expect(received).toMatchObject({ request: { command: ['sleep', '9'] } });
    expect(received!.request).not.toHaveProperty('consistencyMode', expect.anything());
    expect(received!.request).not.toHaveProperty('resources', expect.anything());
  });

  it('--file: reads a file; flags win over it', async () => {
    const yaml = [
      ...['image: busybox', 'pool_ref: other', 'exposed_ports: [8080]', 'consistency_mode: strong'],
      ...['command: [sh]', 'args: [-c, "true"]', 'envs: { PORT: 0123, ON: on, A: file }', 'working_dir: /srv'],
      ...['resources: { memory: 1Gi, pids: 100 }', 'labels: { a: b }'],
    ].join('\n');
    const args = [
      '--endpoint',
      scene.endpoint,
      'run',
      'web',
      '-f',
      '-',
      '--image',
      'alpine',
      '--env',
      'A=flag',
      '--cpu',
      '2',
    ];
    expect(await line.run(args, yaml)).toMatchObject({ code: 0, stderr: '' });
    expect(gateway.received[0]).toMatchObject({
      request: {
        image: 'alpine',
        poolRef: 'other',
        exposedPorts: [8080],
        consistencyMode: 1,
        command: ['sh'],
        args: ['-c', 'true'],
        envs: { PORT: '0123', ON: 'on', A: 'flag' },
        workingDir: '/srv',
        resources: { cpu: '2', memory: '1Gi', pids: '100' },
        labels: { a: 'b' },
      },
    });
  });

  it('--file: reads a Sandbox object as kubectl does', async () => {
    const yaml = [
      ...[
        'apiVersion: sandbox.fast.io/v1alpha1',
        'kind: Sandbox',
        'metadata: { name: web, labels: { a: b } }',
        'spec:',
      ],
      ...['  image: busybox', '  poolRef: other', '  exposedPorts: [8080]', '  consistencyMode: strong'],
      ...['  command: [sh]', '  args: [-c, "true"]', '  envs: [{ name: PORT, value: "0123" }]', '  workingDir: /srv'],
      ...['  failurePolicy: AutoRecreate', '  recoveryTimeoutSeconds: 9', '  terminationGracePeriodSeconds: 0'],
      ...['  imagePullPolicy: Never', '  resources: { memory: 1Gi, ephemeral-storage: 2Gi }'],
    ].join('\n');
    const ended = await line.run(['--endpoint', scene.endpoint, 'run', 'web', '-f', '-', '--env', 'A=flag'], yaml);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(gateway.received[0]).toMatchObject({
      request: {
        image: 'busybox',
        poolRef: 'other',
        exposedPorts: [8080],
        consistencyMode: 1,
        command: ['sh'],
        args: ['-c', 'true'],
        envs: { PORT: '0123', A: 'flag' },
        workingDir: '/srv',
        labels: { a: 'b' },
        failurePolicy: 1,
        recoveryTimeoutSeconds: 9,
        terminationGracePeriodSeconds: 0,
        imagePullPolicy: 'Never',
        resources: { memory: '1Gi', ephemeralStorage: '2Gi' },
      },
    });
  });

  it.each([
    ['metadata: { namespace: dev }', 'metadata.namespace: "dev" is not "default": add -n dev'],
    ['metadata: {}\n  ttlSecondsAfterFinished: 5', 'spec.ttlSecondsAfterFinished: is only for `kubectl apply`'],
    [
      'metadata: {}\n  envs: [{ name: A, valueFrom: { secretKeyRef: { name: s, key: k } } }]',
      'spec.envs[0].valueFrom: is only',
    ],
    ['metadata: {}\n  poolReff: x', 'spec: unknown key "poolReff"'],
    ['metadata: {}\n  expireTime: soon', 'spec.expireTime: must be RFC 3339'],
  ])('--file: refuses a Sandbox object with %j', async (more, reason) => {
    const [metadata, spec = ''] = more.split('\n');
    const yaml = `apiVersion: sandbox.fast.io/v1alpha1\nkind: Sandbox\n${metadata}\nspec:\n  image: busybox\n  poolRef: p\n${spec}\n`;
    const { code, stderr } = await line.run(['--endpoint', scene.endpoint, 'run', 'web', '-f', '-'], yaml);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(reason) as string });
  });

  it('--follow: creates and follows the log in one call', async () => {
    gateway.log = [Buffer.from('one\n'), Buffer.from('two\n')];
    gateway.exited = { exitCode: 0, reason: 'Completed', message: '' };
    const ended = await ctl('run', 'web', '--image', 'busybox', '--follow');
    expect(ended).toEqual({ code: 0, stdout: 'one\ntwo\n', stderr: '' });
    expect(gateway.received).toMatchObject([{ rpc: 'run', request: { sandbox: { name: 'web', image: 'busybox' } } }]);
  });

  it.each([
    [7, 'Error', 7, ''],
    [137, 'OOMKilled', 137, 'fsb-ctl: OOMKilled: it needed more than 64Mi\n'],
    [143, 'Error', 143, ''],
    [undefined, 'ShimLost', 125, 'error: ShimLost: it needed more than 64Mi\n'],
  ])('--follow: exits with the status of the process: %p, %s', async (exitCode, reason, code, stderr) => {
    gateway.exited = { exitCode, reason, message: 'it needed more than 64Mi' };
    expect(await ctl('run', 'web', '--image', 'busybox', '--follow')).toEqual({ code, stdout: '', stderr });
  });

  it('--follow: exits with 125 when the stream ends before the sandbox', async () => {
    const { code, stderr } = await ctl('run', 'web', '--image', 'busybox', '--follow');
    expect({ code, stderr }).toEqual({
      code: 125,
      stderr: 'error: the log ended before the sandbox did: see `fsb-ctl get web`\n',
    });
  });

  it('--follow: prints the created sandbox and its stages to stderr when that is a terminal', async () => {
    gateway.stages = '[{"name":"claim","ms":0.5},{"name":"launch","ms":1}]';
    gateway.log = [Buffer.from('one\n')];
    gateway.exited = { exitCode: 3, reason: 'Error', message: '' };
    const command = [COMMAND, '--endpoint', scene.endpoint, 'run', 'web', '--image', 'busybox', '--follow'].join(' ');
    // script of util-linux gives stderr a terminal and exits with the command's status
    const env = { ...line.environment, SHELL: '/bin/sh' };
    const child = spawn('script', ['-qec', `${command} >${line.folder}/stdout`, '/dev/null'], { env });
    let terminal = '';
    child.stdout.on('data', (data: Buffer) => (terminal += data.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(3);
    expect(terminal).toMatch(/Sandbox created successfully[^]*claim +0\.5 ms/);
    expect(readFileSync(join(line.folder, 'stdout'), 'utf8')).toBe('one\n');
  });

  it('--rm: deletes the sandbox afterwards, whatever its status', async () => {
    gateway.exited = { exitCode: 7, reason: 'Error', message: '' };
    expect((await ctl('run', 'web', '--image', 'busybox', '--follow', '--rm')).code).toBe(7);
    expect(gateway.received[1]).toMatchObject({ rpc: 'delete', request: { sandboxName: 'web', sandboxId: 'id-1' } });
  });

  it('--rm: deletes the sandbox also when the reader closes the pipe', async () => {
    gateway.log = Array.from({ length: 500 }, () => Buffer.alloc(64 * 1024, 'x\n'));
    const script = `"${COMMAND}" --endpoint ${scene.endpoint} run web --image busybox --follow --rm | head -n 1`;
    const child = execFile('sh', ['-c', script], { env: line.environment });
    await once(child, 'close');
    await eventually(() => gateway.received.some(({ rpc }) => rpc === 'delete'), 10_000);
  });

  it.each([
    [['-i'], '-i and -t: standard input cannot be sent'],
    [['--rm'], '--rm: only with --follow'],
    [['--wait', '6m'], 'at most 5m'],
    [['--grace-period', '-1'], 'whole seconds from 0 to 3600'],
    [['--image-pull-policy', 'Sometimes'], 'Allowed choices are Always, IfNotPresent, Never'],
  ])('refuses %p', async (flags, reason) => {
    const { code, stderr } = await ctl('run', 'web', '--image', 'busybox', ...flags);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(reason) as string });
    expect(gateway.received).toEqual([]);
  });

  it('--wait: is sent and added to the deadline; 30 s by default', async () => {
    await ctl('run', 'web', '--image', 'busybox');
    await ctl('run', 'web', '--image', 'busybox', '--wait', '0', '--grace-period', '0');
    expect(gateway.received).toMatchObject([
      { request: { waitSeconds: 30 } },
      { request: { waitSeconds: 0, terminationGracePeriodSeconds: 0 } },
    ]);
    expect(gateway.received[0]!.deadlineMs).toBeGreaterThan(55_000);
    expect(gateway.received[1]!.deadlineMs).toBeLessThanOrEqual(30_000);
  });

  it('--quiet: prints only the name', async () => {
    expect(await ctl('run', 'web', '--image', 'busybox', '-q')).toEqual({ code: 0, stdout: 'web\n', stderr: '' });
  });

  it('--follow: fails when the create takes longer than --timeout', async () => {
    gateway.silent = true;
    const { code, stderr } = await ctl('run', 'web', '--image', 'busybox', '--follow', '--timeout', '1');
    expect({ code, stderr }).toMatchObject({ code: 125, stderr: expect.stringMatching(/within 1/) as string });
  });
});
