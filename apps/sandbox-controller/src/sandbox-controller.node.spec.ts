import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CREATE_TIMESTAMP_ANNOTATION, CREATED_BY_FASTPATH, CREATED_BY_LABEL } from '@fsb/api/labels';
import { API_VERSION, type Sandbox, type SandboxSpec } from '@fsb/api/sandbox';
import { fastSandboxId } from '@fsb/api/sandbox-id';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { ComponentModule } from '@fsb/component-base/component.module';
import {
  EVENT_KIND,
  type Pod,
  POD_KIND,
  POOL_KIND,
  RESOURCE_QUOTA_KIND,
  SANDBOX_KIND,
  SECRET_KIND,
} from '@fsb/controller-runtime/kinds';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { TemplateSigner } from '@fsb/placement/vouched-template';
import { Registry as Metrics } from 'prom-client';
import { AgentProcess } from '../../../test/support/agent-process';
import { ApiserverProcess } from '../../../test/support/apiserver-process';
import { eventually } from '../../../test/support/eventually';
import { SandboxControllerModule } from './sandbox-controller.module';

jest.setTimeout(60_000);
const namespace = 'default';
const SLOTS = 3;
/** PID 1 ignores signals without a handler: without the trap each end takes the grace period of 10 s. */
const SLEEP = ['/bin/sh', '-c', 'trap "exit 0" TERM; sleep 1000 & wait'];

let server: ApiserverProcess;
let client: KubeClient;
let agent: AgentProcess;
let app: INestApplicationContext;

async function startController(): Promise<void> {
  const config = {
    ...{ kubeconfig: join(server.folder, 'kubeconfig'), leaderElect: true, leaderElectionNamespace: 'kube-system' },
    ...{
      agentPort: agent.port,
      agentTlsDir: agent.pki.clientDir,
      allowedRegistries: ['*'],
      fastpathOrphanTimeout: 4_000,
      countQuotaObjects: true,
    },
  };
  const root = ComponentModule.forRoot({ name: 'spec', verbosity: 0 }, SandboxControllerModule.forRoot(config));
  app = await NestFactory.createApplicationContext(root, { logger: false, abortOnError: false });
}

/** Creates a pool with one agent, as pool-controller and kubelet would. */
async function makeAgent(): Promise<void> {
  const pool: SandboxPool = {
    apiVersion: API_VERSION,
    kind: 'SandboxPool',
    metadata: { name: 'pool', namespace },
    spec: {},
  };
  const owner = await client.create(POOL_KIND, pool);
  const pod: Pod = {
    metadata: {
      ...{ name: 'agent-1', namespace, labels: { app: 'sandbox-agent', 'fast-sandbox.io/pool': 'pool' } },
      ownerReferences: [
        { apiVersion: API_VERSION, kind: 'SandboxPool', name: 'pool', uid: owner.metadata.uid ?? '', controller: true },
      ],
    },
    spec: { nodeName: 'node', containers: [{ name: 'agent', image: 'fast-sandbox/node-agent' }] },
  };
  const { metadata } = await client.create(POD_KIND, pod);
  agent = await AgentProcess.start('controller', { 'pod-uid': metadata.uid ?? '', 'agent-capacity': String(SLOTS) });
  await setPodReady('True');
}

async function setPodReady(status: 'True' | 'False'): Promise<void> {
  const conditions = [{ type: 'Ready', status }];
  const running = { phase: 'Running', podIP: '127.0.0.1', conditions };
  await client.patchStatus(POD_KIND, { namespace, name: 'agent-1' }, { status: running });
}

beforeAll(async () => {
  server = await ApiserverProcess.start();
  client = new KubeClient(loadKubeConfig(join(server.folder, 'kubeconfig')));
  await makeAgent();
  await startController();
}, 120_000);

afterAll(async () => {
  await app.close();
  await agent.stop();
  await server.end();
}, 60_000);

const manifest = (name: string, spec: Partial<SandboxSpec> = {}): Sandbox => ({
  ...{ apiVersion: API_VERSION, kind: 'Sandbox', metadata: { name, namespace } },
  spec: { image: 'busybox', poolRef: 'pool', command: SLEEP, ...spec },
});
const create = (name: string, spec?: Partial<SandboxSpec>): Promise<Sandbox> =>
  client.create(SANDBOX_KIND, manifest(name, spec));
const get = (name: string): Promise<Sandbox> => client.get(SANDBOX_KIND, { namespace, name });
const change = (name: string, spec: Partial<Record<keyof SandboxSpec, unknown>>): Promise<Sandbox> =>
  client.patch(SANDBOX_KIND, { namespace, name }, { spec });
const remove = (name: string): Promise<void> => client.delete(SANDBOX_KIND, { namespace, name });
const isGone = (name: string): Promise<boolean> =>
  get(name).then(
    () => false,
    () => true,
  );

function reaches(name: string, phase: string, withinMs = 15_000): Promise<Sandbox> {
  return eventually(async () => {
    const sandbox = await get(name);
    if (sandbox.status?.phase !== phase) throw new Error(`${name} is ${JSON.stringify(sandbox.status)}`);
    return sandbox;
  }, withinMs);
}

async function end(...names: string[]): Promise<void> {
  for (const name of names) await remove(name);
  for (const name of names) await eventually(() => isGone(name), 20_000);
}

async function eventReasons(): Promise<string[]> {
  const { items } = await client.list(EVENT_KIND, { namespace });
  return items.map(({ involvedObject, reason }) => `${involvedObject.name ?? ''} ${reason}`);
}

function ready({ status }: Sandbox): { reason: string; message: string } | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

describe('Declared sandbox', () => {
  it('runs with endpoints and node; its delete ends the container first', async () => {
    const applied = await server.kubectl(
      'kubectl',
      ['apply', '-f', '-'],
      JSON.stringify(manifest('declared', { exposedPorts: [8080] })),
    );
    expect(applied).toMatchObject({ code: 0 });
    const { status, metadata } = await reaches('declared', 'Running');
    const id = metadata.uid!;
    expect(status).toMatchObject({
      endpoints: ['127.0.0.1:8080'],
      nodeName: 'node',
      assignedPod: 'agent-1',
      sandboxID: id,
    });
    expect(await agent.of(id)).toMatchObject({ phase: 'running', claimUid: id, claimName: 'declared', ports: [8080] });
    await remove('declared');
    await eventually(() => isGone('declared'), 20_000);
    expect(await agent.of(id)).toBeUndefined();
  });

  it.each([
    ['0', 'Succeeded', 0, 'Completed'],
    ['3', 'Failed', 3, 'Error'],
  ])('exits with %s and is %s', async (code, phase, exitCode, reason) => {
    await create('exits', { command: ['/bin/sh', '-c', `exit ${code}`] });
    expect((await reaches('exits', phase)).status).toMatchObject({
      exitCode,
      reason,
      finishedAt: expect.any(String) as string,
    });
    await end('exits');
  });

  it('shows why it does not run', async () => {
    await create('no-command', { command: ['no-such-thing'] });
    await create('no-image', { image: 'nobody/nothing:1' });
    await create('no-pool', { poolRef: 'elsewhere' });
    const envs = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'creds', key: 'a' } } }];
    await create('no-secret', { command: ['/bin/sh', '-c', 'echo $A'], envs });
    await create('no-form', { envs: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'x' } } as never }] });
    expect((await reaches('no-command', 'Failed')).status).toMatchObject({
      reason: 'CommandNotFound',
      message: expect.stringContaining('no-such-thing') as string,
    });
    expect((await reaches('no-form', 'Failed')).status).toMatchObject({
      reason: 'InvalidSpec',
      message: expect.stringContaining('fieldRef') as string,
    });
    const reasons = { 'no-image': 'ImagePullFailed', 'no-pool': 'PoolNotFound', 'no-secret': 'ReferenceNotFound' };
    for (const [name, reason] of Object.entries(reasons)) {
      await eventually(async () => ready(await get(name))?.reason === reason);
    }
    await eventually(async () => {
      expect(await eventReasons()).toEqual(
        expect.arrayContaining(['no-command CommandNotFound', 'no-image ImagePullFailed', 'no-pool PoolNotFound']),
      );
    });
    const data = { a: Buffer.from('told').toString('base64') };
    await client.create(SECRET_KIND, { metadata: { name: 'creds', namespace }, data });
    const { status } = await reaches('no-secret', 'Succeeded', 20_000);
    expect(readFileSync(agent.path('logs', `${status?.sandboxID ?? ''}.log`), 'utf8')).toBe('told\n');
    await end('no-command', 'no-form', 'no-image', 'no-pool', 'no-secret');
  });

  it('holds no slot once it is deleted, even if it never ran (Go predecessor, 5.1 #6)', async () => {
    const names = Array.from({ length: SLOTS + 1 }, (_, index) => `never-${index}`);
    for (const name of names) await create(name, { image: 'nobody/nothing:1' });
    for (const name of names) await eventually(async () => ready(await get(name))?.reason === 'ImagePullFailed');
    await end(...names);
    const good = names.slice(1);
    for (const name of good) await create(name);
    for (const name of good) await reaches(name, 'Running');
    await end(...good);
  });

  it('leaves no container when it is deleted during its create (Go predecessor, 5.2)', async () => {
    const pauses = [0, 20, 60];
    for (const [index, ms] of pauses.entries()) {
      await create(`brief-${index}`);
      await eventually(async () => (await get(`brief-${index}`)).status?.phase === 'Bound' || ms === 0, 5_000, ms || 1);
      await end(`brief-${index}`);
      expect((await agent.status()).sandboxStatuses).toEqual([]);
    }
  });

  it('waits for a slot, and takes the next free one', async () => {
    const names = ['one', 'two', 'three', 'four'];
    for (const name of names) await create(name);
    const waiting = await eventually(async () => {
      const all = await Promise.all(names.map(get));
      const late = all.filter((sandbox) => ready(sandbox)?.reason === 'InsufficientCapacity');
      return all.filter(({ status }) => status?.phase === 'Running').length === SLOTS && late.length === 1 && late;
    }, 15_000);
    const late = waiting[0]?.metadata.name ?? '';
    const [first = '', ...others] = names.filter((name) => name !== late);
    await end(first);
    await reaches(late, 'Running');
    await end(...others, late);
  });
});

describe('Sandbox that is changed', () => {
  it('ends at its expireTime, and keeps its object', async () => {
    await create('brief', { exposedPorts: [8081] });
    const { status } = await reaches('brief', 'Running');
    await change('brief', { expireTime: new Date(Date.now() + 700).toISOString() });
    const expired = await reaches('brief', 'Expired', 20_000);
    for (const field of ['assignedPod', 'nodeName', 'sandboxID', 'endpoints'])
      expect(expired.status).not.toHaveProperty(field);
    expect(await agent.of(status?.sandboxID ?? '')).toBeUndefined();
    await change('brief', { expireTime: null, resetRevision: new Date().toISOString() });
    expect((await reaches('brief', 'Running')).status).toMatchObject({ attempt: 1 });
    await end('brief');
  });

  it('is reset to a new id once the old container is gone', async () => {
    const { metadata } = await create('again');
    await reaches('again', 'Running');
    const resetRevision = '2031-01-01T00:00:00.000000007Z';
    await change('again', { resetRevision });
    const reset = await eventually(async () => {
      const sandbox = await get('again');
      return sandbox.status?.phase === 'Running' && sandbox.status.attempt === 1 && sandbox;
    }, 20_000);
    expect(reset.status).toMatchObject({ sandboxID: `${metadata.uid ?? ''}-1`, acceptedResetRevision: resetRevision });
    expect((await agent.status()).sandboxStatuses.map(({ sandboxId }) => sandboxId)).toEqual([
      `${metadata.uid ?? ''}-1`,
    ]);
    await end('again');
  });

  it('is recreated after a failure with AutoRecreate, and deleted after ttlSecondsAfterFinished', async () => {
    await create('flaky', { command: ['/bin/sh', '-c', 'sleep 0.1; exit 1'], failurePolicy: 'AutoRecreate' });
    await create('done', { command: ['/bin/true'], ttlSecondsAfterFinished: 1 });
    await eventually(async () => ((await get('flaky')).status?.attempt ?? 0) >= 2, 20_000);
    await eventually(() => isGone('done'));
    await end('flaky');
  });
});

describe('Containers without an object', () => {
  const NANOS = 1777000000123456789n;
  const idOf = (name: string): string => fastSandboxId(name, namespace, NANOS);
  const fast = (name: string, spec: object = {}, sandboxId = idOf(name)) => {
    const template = {
      metadata: {
        labels: { [CREATED_BY_LABEL]: CREATED_BY_FASTPATH },
        annotations: { [CREATE_TIMESTAMP_ANNOTATION]: String(NANOS) },
      },
      spec: { image: 'busybox', poolRef: 'pool', command: SLEEP, exposedPorts: [8090], ...spec },
    };
    const vouch = new TemplateSigner(agent.pki.client).vouch({ namespace, name, sandboxId }, template);
    return { claimName: name, claimUid: '', ports: [8090], command: SLEEP, object: { ...template, vouch } };
  };

  it('are adopted with object, status and binding', async () => {
    const id = fastSandboxId('adopted', namespace, NANOS);
    expect(await agent.create(id, fast('adopted'))).toMatchObject({ status: 200 });
    const { status } = await eventually(() => reaches('adopted', 'Running'));
    expect(status).toMatchObject({ sandboxID: id, endpoints: ['127.0.0.1:8090'], assignedPod: 'agent-1' });
    const bound = await eventually(async () => {
      const sandbox = await get('adopted');
      const uid = (await agent.of(id))?.claimUid;
      return uid === sandbox.metadata.uid && !sandbox.metadata.annotations?.['sandbox.fast.io/allocation'] && sandbox;
    });
    expect(bound.metadata.finalizers).toEqual(['sandbox.fast.io/cleanup']);
    await end('adopted');
  });

  it('are ended if the API server refuses the object, or the name is taken (Go predecessor, 5.2)', async () => {
    await create('taken');
    await reaches('taken', 'Running');
    await agent.create('refused', fast('refused', { failurePolicy: 'Whatever' }, 'refused'));
    await agent.create('loser', { ...fast('taken', {}, 'loser'), ports: [8091] });
    await eventually(async () => (await agent.status()).sandboxStatuses.length === 1, 30_000, 200);
    expect(await isGone('refused')).toBe(true);
    expect((await get('taken')).status?.phase).toBe('Running');
    await eventually(async () => {
      expect(await eventReasons()).toEqual(expect.arrayContaining(['refused ObjectRefused', 'taken StrayContainer']));
    });
    await end('taken');
  });
});

describe('Containers reported by an agent', () => {
  const template = {
    metadata: { labels: {}, annotations: {} },
    spec: { image: 'busybox', poolRef: 'pool', command: SLEEP },
  };
  const given = (name: string, object: object) => ({ claimName: name, claimUid: '', command: SLEEP, object });
  const signed = (name: string, spec: object) => {
    const said = { ...template, spec: { ...template.spec, ...spec } };
    const vouch = new TemplateSigner(agent.pki.client).vouch({ namespace, name, sandboxId: name }, said);
    return given(name, { ...said, vouch });
  };
  const ended = (id: string) => eventually(async () => (await agent.of(id)) === undefined, 30_000, 200);
  const happened = (event: string) =>
    eventually(async () => expect(await eventReasons()).toEqual(expect.arrayContaining([event])));

  it('are not adopted without a gateway’s vouch, nor if they name Secrets', async () => {
    const envs = [{ name: 'STOLEN', valueFrom: { secretKeyRef: { name: 'b-secret', key: 'pw' } } }];
    await agent.create('planted', given('planted', template));
    await agent.create('greedy', signed('greedy', { envs }));
    for (const name of ['planted', 'greedy']) {
      await ended(name);
      expect(await isGone(name)).toBe(true);
      await happened(`${name} NotAdoptable`);
    }
  });

  it('are ignored if they claim another namespace than the agent’s', async () => {
    const object = signed('elsewhere', {});
    await agent.create('elsewhere', { ...object, namespace: 'team-b' });
    // a later one, whose end shows that reports were handled
    await agent.create('near', given('near', template));
    await ended('near');
    const { items } = await client.list(SANDBOX_KIND);
    expect(items.map(({ metadata }) => metadata.name)).not.toContain('elsewhere');
    expect(await eventReasons()).not.toContain('elsewhere Adopted');
    const metrics = await app.get(Metrics).getSingleMetricAsString('fastpath_agent_reports_refused_total');
    expect(Number(/total (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(0);
    await agent.post('delete', { sandboxId: 'elsewhere' });
    await ended('elsewhere');
  });

  it('are not adopted above the namespace’s quota', async () => {
    const spec = { hard: { 'sandbox.fast.io/memory': '64Mi' } };
    await client.create(RESOURCE_QUOTA_KIND, { metadata: { name: 'small', namespace }, spec });
    await agent.create('large', signed('large', { resources: { memory: '65Mi' } }));
    await ended('large');
    expect(await isGone('large')).toBe(true);
    await happened('large QuotaExceeded');
    await agent.create('fits', signed('fits', { resources: { memory: '64Mi' } }));
    await eventually(() => reaches('fits', 'Running'), 20_000);
    await end('fits');
    await client.delete(RESOURCE_QUOTA_KIND, { namespace, name: 'small' });
  });
});

describe('Restart', () => {
  it('of the controller between assignment and create makes one container', async () => {
    await app.close();
    const { metadata } = await create('bound');
    const status = { phase: 'Bound', assignedPod: 'agent-1', nodeName: 'node', sandboxID: metadata.uid };
    const finalizers = ['sandbox.fast.io/cleanup'];
    await client.patch(SANDBOX_KIND, { namespace, name: 'bound' }, { metadata: { finalizers } });
    await client.patchStatus(SANDBOX_KIND, { namespace, name: 'bound' }, { status });
    await startController();
    await reaches('bound', 'Running', 20_000);
    expect((await agent.status()).sandboxStatuses).toHaveLength(1);
    await end('bound');
  });

  it('of an agent changes nothing', async () => {
    const { metadata } = await create('kept');
    await reaches('kept', 'Running');
    await agent.end('SIGKILL');
    await agent.launch();
    await eventually(async () => (await agent.of(metadata.uid ?? ''))?.phase === 'running');
    expect((await get('kept')).status).toMatchObject({ phase: 'Running', attempt: 0 });
    await end('kept');
  });
});

describe('Agent out of reach', () => {
  it('loses its sandbox after the recovery timeout, and brings it back when it returns', async () => {
    const { metadata } = await create('away', { recoveryTimeoutSeconds: 1, exposedPorts: [8070] });
    await reaches('away', 'Running');
    await setPodReady('False');
    await agent.end('SIGKILL');
    const lost = await reaches('away', 'Lost');
    expect(lost.status).toMatchObject({ reason: 'AgentLost', sandboxID: metadata.uid });
    expect(lost.status).not.toHaveProperty('endpoints');
    await agent.launch();
    await setPodReady('True');
    expect((await reaches('away', 'Running')).status).toMatchObject({ attempt: 0, endpoints: ['127.0.0.1:8070'] });
    await end('away');
  });
});

describe('Deleted pool', () => {
  it('fails its sandboxes and keeps their objects', async () => {
    const { metadata } = await create('orphan');
    await reaches('orphan', 'Running');
    await client.delete(POOL_KIND, { namespace, name: 'pool' });
    const { status } = await reaches('orphan', 'Failed', 20_000);
    expect(status).toMatchObject({ reason: 'PoolDeleted' });
    expect(metadata.uid).toBeDefined();
    await end('orphan');
  });
});
