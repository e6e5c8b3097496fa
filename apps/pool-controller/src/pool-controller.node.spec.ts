import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { type INestApplicationContext, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AGENT_PATHS } from '@fsb/agent-api/agent-api';
import { type Sandbox } from '@fsb/api/sandbox';
import { type SandboxPool, type SandboxPoolSpec } from '@fsb/api/sandbox-pool';
import { ComponentModule } from '@fsb/component-base/component.module';
import { EVENT_KIND, type Pod, POD_KIND, POOL_KIND, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { AgentPki } from '../../../test/support/agent-pki';
import { ApiserverProcess } from '../../../test/support/apiserver-process';
import { eventually } from '../../../test/support/eventually';
import { PoolControllerModule } from './pool-controller.module';

jest.setTimeout(60_000);
const API = { apiVersion: 'sandbox.fast.io/v1alpha1' } as const;
const namespace = 'default';
const agentTemplate = { spec: { containers: [{ name: 'agent', image: 'fast-sandbox/node-agent:latest' }] } };

/** allocated slots that each agent reports, by its address */
const allocated = new Map<string, number>();
const drained: string[] = [];
/** addresses of agents that get a sandbox right before they drain */
const late = new Set<string>();
let server: ApiserverProcess;
let client: KubeClient;
let app: INestApplicationContext;
let agents: Server;
let agentPort: number;
let pki: AgentPki;

/** Serves all agents from one port: in 127.0.0.0/8 each Pod has its own address. */
async function serveAgents(): Promise<void> {
  agents = createServer({ ...(await pki.agent('*')), requestCert: true }, (request, response) => {
    const address = request.socket.localAddress ?? '';
    const slots = allocated.get(address);
    if (slots === undefined) {
      response.writeHead(503).end('{}');
      return;
    }
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (request.url === AGENT_PATHS.drain) drained.push(`${address} ${body}`);
      if (request.url === AGENT_PATHS.drain && late.delete(address)) allocated.set(address, 1);
      response.end(JSON.stringify({ success: true, allocated: slots }));
    });
  }).listen(0, '0.0.0.0');
  await once(agents, 'listening');
  agentPort = (agents.address() as { port: number }).port;
}

async function startController(): Promise<void> {
  const config = {
    kubeconfig: join(server.folder, 'kubeconfig'),
    ...{ leaderElect: true, leaderElectionNamespace: 'kube-system' },
    ...{ containerdSocket: '/run/c/c.sock', containerdRoot: '/var/lib/c', agentTlsDir: '/run/x/tls' },
    ...{ agentCaCertFile: join(pki.folder, 'ca.crt'), agentCaKeyFile: join(pki.folder, 'ca.key') },
    ...{
      agentLogDir: '/var/log/x',
      agentRunDir: '/run/x',
      runtimeBinary: undefined,
      agentWarmContainers: 0,
      agentAllowedRegistries: ['*'],
      agentRegistryAddresses: '',
      agentBuild: '',
      agentPriorityClass: undefined,
      agentPort,
      agentProbePort: 9091,
    },
  };
  const root = ComponentModule.forRoot({ name: 'spec', verbosity: 0 }, await PoolControllerModule.forRoot(config));
  app = await NestFactory.createApplicationContext(root, { logger: false, abortOnError: false });
}

beforeAll(async () => {
  Logger.overrideLogger(false);
  server = await ApiserverProcess.start();
  pki = await AgentPki.make(join(server.folder, 'agent-pki'));
  client = new KubeClient(loadKubeConfig(join(server.folder, 'kubeconfig')), 'spec');
  await serveAgents();
  await startController();
});
afterAll(async () => {
  await app.close();
  await client.close();
  await server.end();
  agents.closeAllConnections();
  agents.close();
});

const createPool = (name: string, spec: SandboxPoolSpec): Promise<SandboxPool> =>
  client.create(POOL_KIND, { ...API, kind: 'SandboxPool', metadata: { name, namespace }, spec });
const scale = (name: string, capacity: SandboxPoolSpec['capacity']): Promise<unknown> =>
  client.patch(POOL_KIND, { namespace, name }, { spec: { capacity } });
const pool = (name: string): Promise<SandboxPool> => client.get(POOL_KIND, { namespace, name });
const podsOf = async (name: string): Promise<Pod[]> =>
  (await client.list(POD_KIND, { namespace, labelSelector: `fast-sandbox.io/pool=${name}` })).items;
const podsBecome = (name: string, count: number): Promise<Pod[]> =>
  eventually(async () => {
    const pods = await podsOf(name);
    expect(pods).toHaveLength(count);
    return pods;
  });

/** Makes a Pod running and ready, as its node would. */
async function run(pod: Pod, address: string): Promise<void> {
  allocated.set(address, 0);
  const conditions = [{ type: 'Ready', status: 'True' }];
  const status = { phase: 'Running', podIP: address, conditions };
  await client.patchStatus(POD_KIND, { namespace, name: pod.metadata.name! }, { status });
}

async function createSandbox(name: string, poolRef: string, assignedPod?: string): Promise<void> {
  const sandbox: Sandbox = { ...API, kind: 'Sandbox', metadata: { name, namespace }, spec: { image: 'i', poolRef } };
  await client.create(SANDBOX_KIND, sandbox);
  if (assignedPod === undefined) return;
  await client.patchStatus(SANDBOX_KIND, { namespace, name }, { status: { phase: 'Running', assignedPod } });
}

it('PoolController: creates exactly poolMin agents, and fills in the status', async () => {
  await createPool('min', { capacity: { poolMin: 2 }, agentTemplate });
  const [first, second] = await podsBecome('min', 2);
  expect(first?.metadata).toMatchObject({
    name: expect.stringMatching(/^min-agent-[a-z0-9]{5}$/) as string,
    labels: { app: 'sandbox-agent', 'fast-sandbox.io/pool': 'min' },
    ownerReferences: [{ kind: 'SandboxPool', name: 'min', controller: true }],
  });
  await run(first!, '127.0.1.1');
  await run(second!, '127.0.1.2');
  await createSandbox('on-first', 'min', first!.metadata.name);
  await eventually(async () => {
    expect((await pool('min')).status).toMatchObject({
      ...{ observedGeneration: 1, currentPods: 2, readyPods: 2, totalAgents: 2, idleAgents: 1, busyAgents: 1 },
      conditions: [
        { type: 'Valid', status: 'True' },
        { type: 'Ready', status: 'True', message: '2 of 2 agents are ready' },
      ],
    });
  });
  expect(await podsOf('min')).toHaveLength(2);
});

it('PoolController: grows with the demand up to poolMax, and removes only idle agents, drained first', async () => {
  await createPool('grow', { capacity: { poolMin: 1, poolMax: 3 }, maxSandboxesPerPod: 1, agentTemplate });
  await podsBecome('grow', 1);
  for (const name of ['g1', 'g2', 'g3', 'g4']) await createSandbox(name, 'grow');
  const pods = await podsBecome('grow', 3);
  for (const [i, pod] of pods.entries()) await run(pod, `127.0.2.${i + 1}`);
  const busy = pods[1]!.metadata.name!;
  await client.patchStatus(
    SANDBOX_KIND,
    { namespace, name: 'g1' },
    { status: { phase: 'Running', assignedPod: busy } },
  );
  for (const name of ['g2', 'g3', 'g4']) await client.delete(SANDBOX_KIND, { namespace, name });
  const [left] = await podsBecome('grow', 1);
  expect(left?.metadata.name).toBe(busy);
  expect(drained.filter((line) => line.startsWith('127.0.2.')).sort()).toEqual([
    '127.0.2.1 {"draining":true}',
    '127.0.2.3 {"draining":true}',
  ]);
});

it('PoolController: keeps an agent that turns out to be busy, and puts it back into service', async () => {
  await createPool('late', { capacity: { poolMin: 1 }, agentTemplate });
  const [pod] = await podsBecome('late', 1);
  await run(pod!, '127.0.3.1');
  await eventually(async () => expect((await pool('late')).status?.readyPods).toBe(1));
  late.add('127.0.3.1'); // a FAST sandbox whose object is not written yet
  await scale('late', { poolMin: 0 });
  await eventually(() => expect(drained).toContain('127.0.3.1 {"draining":false}'));
  expect(await podsOf('late')).toHaveLength(1);
  allocated.set('127.0.3.1', 0);
  await podsBecome('late', 0);
});

it('PoolController: keeps a ready agent that does not answer', async () => {
  await createPool('mute', { capacity: { poolMin: 1 }, agentTemplate });
  const [pod] = await podsBecome('mute', 1);
  await run(pod!, '127.0.4.1');
  await eventually(async () => expect((await pool('mute')).status?.readyPods).toBe(1));
  allocated.delete('127.0.4.1');
  await scale('mute', { poolMin: 0 });
  await eventually(async () => expect((await pool('mute')).status?.observedGeneration).toBe(2));
  expect(await podsOf('mute')).toHaveLength(1);
  allocated.set('127.0.4.1', 0);
  await podsBecome('mute', 0);
});

it('PoolController: leaves the Pods of an invalid pool alone, and reports its problems', async () => {
  await createPool('odd', { capacity: { poolMin: 1 }, agentTemplate });
  await podsBecome('odd', 1);
  // faults that the CRD's rules accept
  const faulty = { capacity: { poolMin: 3 }, warmImages: [{ image: 'Not An Image', containers: 1 }] };
  await client.patch(POOL_KIND, { namespace, name: 'odd' }, { spec: faulty });
  await eventually(async () => {
    expect((await pool('odd')).status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Valid', status: 'False', reason: 'InvalidSpec' }),
    );
  });
  await eventually(async () => {
    const { items } = await client.list(EVENT_KIND, { namespace });
    expect(items).toContainEqual(expect.objectContaining({ type: 'Warning', reason: 'InvalidSpec' }));
  });
  expect(await podsOf('odd')).toHaveLength(1);
  await client.patch(POOL_KIND, { namespace, name: 'odd' }, { spec: { capacity: { poolMin: 2 }, warmImages: null } });
  await podsBecome('odd', 2);
});

it('PoolController: replaces a Pod that failed, and one that was deleted', async () => {
  await createPool('heal', { capacity: { poolMin: 1 }, agentTemplate });
  const [pod] = await podsBecome('heal', 1);
  await client.delete(POD_KIND, { namespace, name: pod!.metadata.name! }, { gracePeriodSeconds: 0 });
  const second = await eventually(async () => {
    const pods = await podsOf('heal');
    return pods.length === 1 && pods[0]!.metadata.uid !== pod!.metadata.uid && pods[0]!;
  });
  await client.patchStatus(POD_KIND, { namespace, name: second.metadata.name! }, { status: { phase: 'Failed' } });
  await eventually(async () => {
    const pods = await podsOf('heal');
    return pods.length === 1 && pods[0]!.metadata.uid !== second.metadata.uid;
  }, 20_000);
});

it('PoolController: rolls a changed template one agent at a time', async () => {
  await createPool('roll', { capacity: { poolMin: 1, poolMax: 1 }, agentTemplate });
  const [old] = await podsBecome('roll', 1);
  await run(old!, '127.0.5.1');
  const changed = { spec: { containers: [{ name: 'agent', image: 'fast-sandbox/node-agent:next' }] } };
  await client.patch(POOL_KIND, { namespace, name: 'roll' }, { spec: { agentTemplate: changed } });
  const pods = await podsBecome('roll', 2);
  const fresh = pods.find(({ metadata }) => metadata.uid !== old!.metadata.uid)!;
  expect(fresh.spec?.containers[0]?.image).toBe('fast-sandbox/node-agent:next');
  await run(fresh, '127.0.5.2');
  const [left] = await podsBecome('roll', 1);
  expect(left?.metadata.uid).toBe(fresh.metadata.uid);
});

it('PoolController: carries on after a restart of itself and of the API server', async () => {
  await createPool('again', { capacity: { poolMin: 1 }, agentTemplate });
  await podsBecome('again', 1);
  await app.close();
  await server.kill();
  await server.launch();
  await startController();
  await scale('again', { poolMin: 3 });
  await podsBecome('again', 3);
});
