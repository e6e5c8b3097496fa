import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { eventually } from '../support/eventually';
import { OtlpReceiver } from '../support/otlp-receiver';
import { Stack } from '../support/stack';

/** Value of every secret variable, and password of the pull secret. */
const SECRET = `zq${randomBytes(12).toString('hex')}`;
const BASE64 = Buffer.from(SECRET).toString('base64').replace(/=+$/, '');
const SLEEP = ['/bin/sh', '-c', 'trap "exit 0" TERM; sleep 1000 & wait'];
const LATE_MS = 20_000;

interface Listed {
  readonly items: readonly {
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
    spec?: { envs?: unknown };
    data?: unknown;
  }[];
}

/**
 * Creates sandboxes with a secret variable in every way, lets them fail or end, and then looks for the secret
 * everywhere.
 */
describe('A secret in the variables of a sandbox', () => {
  let stack: Stack;
  let collector: OtlpReceiver;
  /** output of each command, by its description */
  const outputs = new Map<string, string>();

  beforeAll(async () => {
    collector = await OtlpReceiver.start();
    stack = await Stack.start(1, ['--otlp-endpoint', collector.endpoint]);
    await stack.kubectl('apply', '-f', 'k8s/samples/pool.yaml');
  }, 200_000);

  afterAll(async () => {
    await stack.end();
    await collector.close();
  }, 120_000);

  const envs = ['--env', `TOKEN=${SECRET}`, '--env', 'PLAIN=yes'];

  async function run(name: string, flags: readonly string[], command: readonly string[] = SLEEP): Promise<number> {
    const { code, stdout, stderr } = await stack.tryFsbCtl('run', name, ...envs, ...flags, '--', ...command);
    outputs.set(`fsb-ctl run ${name}`, stdout + stderr);
    return code;
  }

  async function kubectl(what: string, args: readonly string[], object?: object): Promise<number> {
    const { code, stdout, stderr } = await stack.tryKubectl(args, object && JSON.stringify(object));
    outputs.set(what, stdout + stderr);
    return code;
  }

  const sandbox = (name: string, spec: object): object => ({
    apiVersion: 'sandbox.fast.io/v1alpha1',
    kind: 'Sandbox',
    metadata: { name, namespace: 'default' },
    spec: {
      image: 'busybox',
      poolRef: 'default-pool',
      command: SLEEP,
      envs: [{ name: 'TOKEN', value: SECRET }],
      ...spec,
    },
  });

  const create = (name: string, spec: object): Promise<number> =>
    kubectl(`kubectl create ${name}`, ['create', '-f', '-'], sandbox(name, spec));

  const isRunning = (name: string): Promise<string> =>
    stack.kubectl('wait', '--for=jsonpath={.status.phase}=Running', `sandbox/${name}`, '--timeout=30s');

  it('is accepted by gRPC and kubectl, and reaches the process', async () => {
    await eventually(async () => expect(await run('fast', ['--image', 'busybox'])).toBe(0), LATE_MS, 500);
    expect(await run('strong', ['--image', 'busybox', '--mode', 'strong'])).toBe(0);
    const prints = ['/bin/sh', '-c', 'echo "${#TOKEN}"; trap "exit 0" TERM; sleep 1000 & wait'];
    expect(await create('declared', { command: prints })).toBe(0);
    await isRunning('declared');
    await eventually(async () => {
      expect(await stack.fsbCtl('logs', 'declared')).toBe(`${SECRET.length}\n`);
    }, LATE_MS);
  }, 90_000);

  it('survives every failure of a create', async () => {
    for (const mode of ['fast', 'strong']) {
      const as = (what: string): string => `${what}-${mode}`;
      const flags = ['--mode', mode, '--image', 'busybox'];
      expect(await run(as('command'), flags, ['/bin/absent'])).not.toBe(0);
      expect(await run(as('not-a-program'), flags, ['/etc/passwd'])).not.toBe(0);
      expect(await run(as('image'), ['--mode', mode, '--image', 'localhost:1/absent:1', '--timeout', '5s'])).not.toBe(
        0,
      );
      expect(await run(as('limits'), [...flags, '--memory', '1Ki'])).not.toBe(0);
      expect(await run(as('port'), [...flags, '--ports', '5758'])).not.toBe(0);
      expect(await run(as('variable'), [...flags, '--env', `NÄME=${SECRET}`])).not.toBe(0);
      expect(await run(as('nul'), [...flags, '--env', `OTHER=${SECRET}`, '--workdir', `relative`])).not.toBe(0);
      expect(await run(as('exits'), flags, ['/bin/sh', '-c', 'exit 3'])).toBe(0);
    }
    expect(await run('fast', ['--image', 'busybox'])).not.toBe(0); // name in use
    const dockerConfig = { auths: { 'localhost:1': { username: 'robot', password: SECRET } } };
    const secret = {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'registry', namespace: 'default' } },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': Buffer.from(JSON.stringify(dockerConfig)).toString('base64') },
    };
    expect(await kubectl('kubectl create secret', ['create', '-f', '-'], secret)).toBe(0);
    const imagePullSecrets = [{ name: 'registry' }];
    expect(await create('pulls', { image: 'localhost:1/absent:1', imagePullSecrets })).toBe(0);
    expect(await create('no-command', { command: ['/bin/absent'] })).toBe(0);
    expect(
      await create('no-secret', { envs: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'absent', key: 'k' } } }] }),
    ).toBe(0);
    expect(await create('typed', { envs: [{ name: 'TOKEN', value: [SECRET] }] })).not.toBe(0);
    expect(await create('nested', { envs: { TOKEN: SECRET } })).not.toBe(0);
    expect(await create('unknown', { envs: [{ name: 'TOKEN', valeu: SECRET }] })).not.toBe(0);
    const path = '/apis/sandbox.fast.io/v1alpha1/namespaces/default/sandboxes';
    for (const [what, body] of [
      ['a body with a comma too few', `{"spec":{"envs":[{"name":"A" "value":"${SECRET}"}]}}`],
      ['a body with a word too much', `{"spec":{"envs":[{"name":"A","value": ${SECRET}}]}}`],
    ] as const) {
      const { code, stdout, stderr } = await stack.tryKubectl(['create', '--raw', path, '-f', '-'], body);
      outputs.set(what, stdout + stderr);
      expect(code).not.toBe(0);
    }
    await eventually(async () => {
      expect(await stack.kubectl('get', 'sandboxes', '-o', 'name')).toContain('exits-fast');
    }, LATE_MS);
  }, 120_000);

  it('survives a restart of the agent', async () => {
    const agent = (await stack.status()).find(({ name }) => name.startsWith('agent/'))?.name ?? '';
    const pid = await stack.pid(agent);
    process.kill(pid, 'SIGKILL');
    await eventually(async () => expect(await stack.pid(agent)).not.toBe(pid), LATE_MS, 200);
    expect(await stack.fsbCtl('get', 'fast')).toContain('Running');
    await stack.kubectl('wait', '--for=condition=Ready', 'pod', '-l', 'app=sandbox-agent', '--timeout=60s');
  }, 120_000);

  it('appears in no label, annotation, status or Event', async () => {
    const kinds = 'sandboxes,sandboxpools,pods,events,configmaps,nodes,leases';
    const listed = JSON.parse(await stack.kubectl('get', kinds, '-A', '-o', 'json')) as Listed;
    expect(listed.items.filter(({ kind }) => kind === 'Sandbox').length).toBeGreaterThan(4);
    expect(listed.items.filter(({ kind }) => kind === 'Event').length).toBeGreaterThan(0);
    for (const item of listed.items) {
      delete item.spec?.envs; // the only place where it belongs
      expect(JSON.stringify(item)).not.toContain(SECRET);
    }
    const client = new ContainerdClient(stack.containerdSocket);
    try {
      const { containers } = await client.containers.list({ filters: [] });
      expect(containers.length).toBeGreaterThan(1);
      for (const { id, labels, image, snapshotKey } of containers) {
        expect(JSON.stringify({ id, labels, image, snapshotKey })).not.toContain(SECRET);
      }
    } finally {
      client.close();
    }
  }, 60_000);

  it('appears in no log, audit record, metric, span or error, even after the end', async () => {
    for (const name of ['fast', 'strong', 'declared']) expect(await stack.fsbCtl('delete', name)).toBeDefined();
    await kubectl('kubectl delete', ['delete', 'sandboxes', '--all', '--timeout=30s']);
    expect(
      [...outputs].filter(([, text]) => text.includes(SECRET) || text.includes(BASE64)).map(([what]) => what),
    ).toEqual([]);
    const logs = filesBelow(join(stack.root, 'log'));
    expect(logs.map(({ path }) => path)).toEqual(
      expect.arrayContaining([expect.stringContaining('audit/gateway.log')]),
    );
    for (const { path, text } of logs) {
      expect({
        path,
        found: text.split('\n').filter((line) => line.includes(SECRET) || line.includes(BASE64)),
      }).toEqual({ path, found: [] });
    }
    for (const { name, health } of await stack.status()) expect({ name, health }).toEqual({ name, health: 'ok' });
    await eventually(() => expect(collector.spans.length).toBeGreaterThan(50), LATE_MS);
    expect(collector.bodies.join()).not.toContain(SECRET);
    for (const metrics of await stackMetrics()) expect(metrics).not.toContain(SECRET);
  }, 90_000);

  /** Metrics of every process of the stack that serves them. */
  async function stackMetrics(): Promise<string[]> {
    const addresses = (await stack.status()).map(
      ({ pid }) => /--metrics-bind-address\s(\S+)(?!.*--metrics-bind-address)/.exec(cmdline(String(pid)))?.[1],
    );
    const texts = addresses.flatMap((address) =>
      address === undefined ? [] : [fetch(`http://${address}/metrics`).then((answer) => answer.text())],
    );
    expect(texts.length).toBeGreaterThan(3);
    return Promise.all(texts);
  }
});

function cmdline(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // it has ended
  }
}

function filesBelow(folder: string): { path: string; text: string }[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => ({
      path: join(parentPath, name),
      text: readFileSync(join(parentPath, name), 'utf8'),
    }));
}
