import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../../../test/support/eventually';
import { oldKubectl } from '../../../../test/support/old-kubectl';
import { type Answer, ApiserverProcess } from '../../../../test/support/apiserver-process';

jest.setTimeout(60_000);
const SANDBOXES = '/apis/sandbox.fast.io/v1alpha1/namespaces/default/sandboxes';

function sandbox(name: string, spec: object = {}): string {
  const object = { apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'Sandbox', metadata: { name } };
  return JSON.stringify({ ...object, spec: { image: 'alpine', poolRef: 'pool', ...spec } });
}

describe.each([
  ['apiserver with the newest kubectl here', () => 'kubectl'],
  ["apiserver with Debian's kubectl 1.20", oldKubectl],
])('%s', (_, program) => {
  let server: ApiserverProcess;
  let command: string;

  beforeAll(async () => {
    command = program();
    server = await ApiserverProcess.start();
  });
  afterAll(() => server.end());

  const attempt = (args: string, stdin = '', env: NodeJS.ProcessEnv = {}): Promise<Answer> =>
    server.kubectl(command, args.split(' '), stdin, env);
  const kubectl = async (args: string, stdin = '', env: NodeJS.ProcessEnv = {}): Promise<string> => {
    const { code, stdout, stderr } = await attempt(args, stdin, env);
    if (code !== 0) throw new Error(`kubectl ${args}: ${stderr}${server.log}`);
    return stdout;
  };

  const follow = (...args: string[]): { output: () => string; end: () => void; ended: Promise<unknown> } => {
    const child = spawn(command, server.kubectlArgs(args), { stdio: ['ignore', 'pipe', 'inherit'] });
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    return { output: () => seen, end: () => child.kill(), ended: once(child, 'exit') };
  };

  it('applies new and changed objects, and shows the columns', async () => {
    const expiring = sandbox('applied', { expireTime: '2100-01-01T00:00:00Z' });
    expect(await kubectl('apply -f -', expiring)).toContain('created');
    expect(await kubectl('apply -f -', expiring)).toContain('unchanged');
    expect(await kubectl('apply -f -', sandbox('applied'))).toContain('configured');
    expect(await kubectl('get sbx applied -o jsonpath={.spec}')).not.toContain('expireTime');
    expect(await kubectl('get sbx')).toMatch(/^NAME +PHASE +IMAGE +ENDPOINTS +AGENT +AGE\napplied +alpine +\d+s\n$/);
    expect(await kubectl('get sbx -o wide')).toMatch(/NODE +POOL/);
    const [subresource, patch] = ['--subresource=status', '{"status":{"endpoints":["10.0.0.1:80","10.0.0.1:81"]}}'];
    if (command === 'kubectl') {
      await kubectl(`patch sbx applied ${subresource} --type=merge -p ${patch}`);
      expect(await kubectl('get sbx applied')).toContain('["10.0.0.1:80","10.0.0.1:81"]');
    }
    expect(await kubectl('get all')).toMatch(/^sandbox.sandbox.fast.io\/applied /m);
    expect(await kubectl('apply --dry-run=server -f -', sandbox('tried'))).toContain('created (server dry run)');
    expect((await attempt('get sbx tried')).stderr).toContain('sandboxes.sandbox.fast.io "tried" not found');
  });

  it('applies a ConfigMap by strategic merge, which removes a key', async () => {
    const map = (data: object): string =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'map' }, data });
    await kubectl('apply -f -', map({ a: '1', b: '2' }));
    await kubectl('apply -f -', map({ a: '3' }));
    expect(await kubectl('get cm map -o jsonpath={.data}')).toBe('{"a":"3"}');
  });

  it('refuses violations of the schema and names the field', async () => {
    expect((await attempt('apply -f -', sandbox('x', { imagee: 'y' }))).stderr).toContain('imagee');
    expect((await attempt('create -f -', sandbox('x', { exposedPorts: [0] }))).stderr).toContain(
      'spec.exposedPorts[0]',
    );
    expect((await attempt('create -f -', sandbox('x', { poolRef: '' }))).stderr).toContain('spec.poolRef');
    const { code, stderr } = await attempt('create --validate=false -f -', sandbox('x', { failurePolicy: 'Maybe' }));
    expect(code).toBe(1);
    expect(stderr).toContain(
      'spec.failurePolicy: Unsupported value: "Maybe": supported values: "Manual", "AutoRecreate"',
    );
  });

  it('edits, patches, labels and annotates', async () => {
    await kubectl('create -f -', sandbox('edited'));
    await kubectl('edit sbx edited', '', { KUBE_EDITOR: 'sed -i s/Manual/AutoRecreate/' });
    await kubectl('label sbx edited team=a');
    await kubectl('annotate sbx edited note=b');
    await kubectl('patch sbx edited --type merge -p {"spec":{"recoveryTimeoutSeconds":5}}');
    await kubectl('patch sbx edited --type json -p [{"op":"add","path":"/spec/ttlSecondsAfterFinished","value":3}]');
    const { metadata, spec } = JSON.parse(await kubectl('get sbx edited -o json')) as Record<string, object>;
    expect(metadata).toMatchObject({ labels: { team: 'a' }, annotations: { note: 'b' }, generation: 4 });
    expect(spec).toMatchObject({
      failurePolicy: 'AutoRecreate',
      recoveryTimeoutSeconds: 5,
      ttlSecondsAfterFinished: 3,
    });
    expect((await attempt('patch sbx edited --type merge -p {"spec":{"image":"nginx"}}')).stderr).toContain(
      'spec.image',
    );
    expect(await kubectl('get sbx -l team=a -o name')).toBe('sandbox.sandbox.fast.io/edited\n');
    expect(await kubectl('get sbx -l team!=a -o name')).not.toContain('edited');
    expect(await kubectl('get sbx --field-selector metadata.name=edited -o name')).toContain('edited');
  });

  it('watches, waits and describes with events', async () => {
    await kubectl('create -f -', sandbox('watched'));
    const { output, end } = follow('get', 'sbx', '-w');
    await eventually(() => output().includes('watched'));
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    const patch = { 'content-type': 'application/merge-patch+json' };
    const waiting = kubectl('wait sbx/watched --for=condition=Ready --timeout=20s');
    const { body } = await server.ask('PATCH', `${SANDBOXES}/watched/status`, { status }, patch);
    expect(await waiting).toContain('condition met');
    await eventually(() => /watched +Running/.test(output()));
    end();
    await server.ask('POST', '/api/v1/namespaces/default/events', {
      metadata: { generateName: 'watched.' },
      involvedObject: { kind: 'Sandbox', namespace: 'default', name: 'watched', uid: body.metadata?.['uid'] },
      reason: 'Started',
      message: 'it runs',
      type: 'Normal',
      lastTimestamp: new Date().toISOString(),
    });
    expect(await kubectl('describe sbx watched')).toMatch(/Events:[^]*Started[^]*it runs/);
    expect(await kubectl('get events')).toMatch(/Normal +Started +sandbox\/watched +it runs/);
  });

  it('deletes, and waits for a finalizer', async () => {
    await kubectl('create -f -', sandbox('held'));
    await kubectl('patch sbx held --type merge -p {"metadata":{"finalizers":["sandbox.fast.io/cleanup"]}}');
    const deleting = kubectl('delete sbx held');
    const stamp = (): Promise<string> => kubectl('get sbx held -o jsonpath={.metadata.deletionTimestamp}');
    await eventually(async () => (await stamp()) !== '');
    await kubectl('patch sbx held --type merge -p {"metadata":{"finalizers":null}}');
    expect(await deleting).toContain('deleted');
    expect((await attempt('get sbx held')).stderr).toContain('NotFound');
    await kubectl('delete sbx --all');
    expect(await kubectl('get sbx -o name')).toBe('');
  });

  it('creates namespaces, and deletes them with their contents', async () => {
    await kubectl('create namespace team');
    await kubectl('create configmap map -n team --from-literal=a=b');
    await kubectl('create -n team -f -', sandbox('inside'));
    expect(await kubectl('get sbx -A')).toMatch(/NAMESPACE +NAME[^]*team +inside/);
    await kubectl('delete namespace team');
    expect((await attempt('create -n team -f -', sandbox('late'))).stderr).toContain('namespaces "team" not found');
    expect(await kubectl('get cm -A -o name')).not.toContain('team');
  });

  it('explains fields and lists the kinds', async () => {
    expect(await kubectl('explain sandbox.spec.recoveryTimeoutSeconds')).toContain('counts as lost');
    expect(await kubectl('explain pod.spec.containers.ports')).toContain('containerPort');
    expect(await kubectl('api-resources')).toMatch(/sandboxpools +sbp/);
  });

  it("prints a Pod's logs, and follows them to the end of the Pod", async () => {
    const pods = '/api/v1/namespaces/default/pods';
    const pod = { metadata: { name: 'agent' }, spec: { containers: [{ name: 'main', image: 'x' }] } };
    const { uid } = (await server.ask('POST', pods, pod)).body.metadata as { uid: string };
    server.writePodLog(uid, 'main', '0.log', 'first start\n');
    server.writePodLog(uid, 'main', '1.log', 'one\ntwo\n');
    expect(await kubectl('logs agent')).toBe('one\ntwo\n');
    expect(await kubectl('logs agent --tail=1')).toBe('two\n');
    expect(await kubectl('logs agent -p')).toBe('first start\n');
    const { output, ended } = follow('logs', '-f', 'agent');
    await eventually(() => output().endsWith('two\n'));
    server.writePodLog(uid, 'main', '1.log', 'three\n');
    await eventually(() => output() === 'one\ntwo\nthree\n');
    await server.ask('DELETE', `${pods}/agent`, { gracePeriodSeconds: 0 });
    await ended;
  });

  it('refuses a viewer with the reason, and answers auth can-i', async () => {
    writeFileSync(join(server.folder, 'sandbox.json'), sandbox('forbidden'));
    const { stderr } = await attempt(`--context viewer create -f ${join(server.folder, 'sandbox.json')}`);
    expect(stderr).toContain('User "viewer" cannot create resource "sandboxes" in API group "sandbox.fast.io"');
    expect(await kubectl('auth can-i create sandboxes')).toBe('yes\n');
    expect((await attempt('--context viewer auth can-i create sandboxes')).stdout).toBe('no\n');
    expect((await attempt('--context viewer auth can-i list sandboxes')).stdout).toBe('yes\n');
  });
});
