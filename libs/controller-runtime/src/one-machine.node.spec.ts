import { Logger } from '@nestjs/common';
import { type Sandbox } from '@fsb/api/sandbox';
import { ApiserverProcess } from '../../../test/support/apiserver-process';
import { eventually } from '../../../test/support/eventually';
import { EventRecorder } from './event-recorder';
import { Informer } from './informer';
import { installationId } from './installation';
import { EVENT_KIND, LEASE_KIND, SANDBOX_KIND } from './kinds';
import { KubeClient, loadKubeConfig } from './kube-client';
import { LeaderElector } from './leader-elector';
import { KubeLeaseLock } from './lease-lock';

jest.setTimeout(60_000);
let server: ApiserverProcess;
let client: KubeClient;

beforeAll(async () => {
  Logger.overrideLogger(false);
  server = await ApiserverProcess.start();
  client = new KubeClient(loadKubeConfig(`${server.folder}/kubeconfig`), 'spec');
});
afterAll(async () => {
  await client.close();
  await server.end();
});

const sandbox = (name: string): Sandbox => ({
  apiVersion: 'sandbox.fast.io/v1alpha1',
  kind: 'Sandbox',
  metadata: { name, namespace: 'default' },
  spec: { image: 'i', poolRef: 'p' },
});
const key = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });

it('KubeClient: uses every verb of the one-machine API server', async () => {
  const created = await client.create(SANDBOX_KIND, sandbox('verbs'));
  expect(created.metadata.uid).toBeTruthy();
  await expect(client.create(SANDBOX_KIND, sandbox('verbs'))).rejects.toMatchObject({ code: 'already_exists' });
  await client.patchStatus(SANDBOX_KIND, key('verbs'), { status: { phase: 'Running' } });
  await expect(client.update(SANDBOX_KIND, created)).rejects.toMatchObject({ code: 'aborted' });
  const read = await client.get(SANDBOX_KIND, key('verbs'));
  expect(read.status).toEqual({ phase: 'Running' });
  await client.updateStatus(SANDBOX_KIND, { ...read, status: { phase: 'Failed' } });
  await client.patch(SANDBOX_KIND, key('verbs'), { metadata: { labels: { a: 'b' } } });
  const { items } = await client.list(SANDBOX_KIND, { namespace: 'default', labelSelector: 'a=b' });
  expect(items).toMatchObject([{ kind: 'Sandbox', metadata: { name: 'verbs' }, status: { phase: 'Failed' } }]);
  await expect(client.delete(SANDBOX_KIND, key('verbs'), { uid: 'another' })).rejects.toMatchObject({
    code: 'aborted',
  });
  await client.delete(SANDBOX_KIND, key('verbs'), { uid: read.metadata.uid! });
  await expect(client.delete(SANDBOX_KIND, key('verbs'))).rejects.toMatchObject({ code: 'not_found' });
  const invalid = { ...sandbox('bad'), spec: { image: '', poolRef: 'p' } };
  await expect(client.create(SANDBOX_KIND, invalid)).rejects.toMatchObject({ code: 'invalid_argument' });
  expect(await installationId(client)).toMatch(/^[0-9a-f-]{36}$/);
});

it('Informer: keeps its cache current across a crash of the server', async () => {
  const informer = new Informer({ client, kind: SANDBOX_KIND, retryMs: 50 });
  const gone: string[] = [];
  informer.onChange((changed, current) => {
    if (!current) gone.push(changed);
  });
  informer.start();
  await informer.synced;
  await client.create(SANDBOX_KIND, sandbox('before'));
  await eventually(() => expect(informer.get('default/before')).toBeDefined());
  await server.kill();
  await server.launch();
  await client.create(SANDBOX_KIND, sandbox('after'));
  await eventually(() => expect(informer.get('default/after')).toBeDefined());
  expect(informer.get('default/before')).toBeDefined();
  await client.delete(SANDBOX_KIND, key('before'));
  await eventually(() => expect(gone).toEqual(['default/before']));
  await informer.stop();
});

it('EventRecorder and LeaderElector: write Events and hold a Lease', async () => {
  const object = await client.create(SANDBOX_KIND, sandbox('seen'));
  const events = new EventRecorder(client, 'spec');
  events.record(object, 'Normal', 'Seen', 'seen by the test');
  await eventually(async () => {
    const { items } = await client.list(EVENT_KIND, { namespace: 'default' });
    expect(items).toContainEqual(expect.objectContaining({ reason: 'Seen', count: 1 }));
  });
  await events.stop();

  const stop = new AbortController();
  const lock = new KubeLeaseLock(client, { namespace: 'kube-system', name: 'spec' });
  const times = { leaseDurationMs: 2_000, renewDeadlineMs: 1_500, retryPeriodMs: 100 };
  const lead = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  const run = new LeaderElector(lock, { identity: 'me', ...times }).run(lead, stop.signal);
  const lease = { namespace: 'kube-system', name: 'spec' };
  await eventually(async () => (await client.get(LEASE_KIND, lease)).spec?.holderIdentity === 'me');
  stop.abort();
  await run;
  expect((await client.get(LEASE_KIND, lease)).spec?.holderIdentity ?? '').toBe('');
});
