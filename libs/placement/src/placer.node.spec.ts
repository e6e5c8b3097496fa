import { join } from 'node:path';
import { type AgentSandboxStatus, type SandboxRequest } from '@fsb/agent-api/agent-api';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { type SandboxPool } from '@fsb/api/sandbox-pool';
import { Informer } from '@fsb/controller-runtime/informer';
import { type Pod, POD_KIND, POOL_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { Registry } from '@fsb/registry/registry';
import { AgentPool } from '../../../test/support/agent-pool';
import { AgentPki } from '../../../test/support/agent-pki';
import { ApiserverProcess } from '../../../test/support/apiserver-process';
import { eventually } from '../../../test/support/eventually';
import { freePort } from '../../../test/support/free-port';
import { SimulatedAgent } from '../../../test/support/simulated-agent';
import { AgentDirectory } from './agent-directory';
import { AGENT_POD_SELECTOR } from './agent-pod';
import { type Placement } from './placement';
import { Placer } from './placer';

jest.setTimeout(60_000);
const never = new AbortController().signal;

describe('Placer', () => {
  let api: ApiserverProcess;
  let kube: KubeClient;
  let port: number;
  let pki: AgentPki;
  let pool: AgentPool;
  let pods: Informer<Pod>;
  let pools: Informer<SandboxPool>;
  let client: AgentClient;
  let directory: AgentDirectory;
  let placer: Placer;
  const foreign: string[] = [];
  const refused = {
    foreign: (agentId: string, { sandboxId }: AgentSandboxStatus) => foreign.push(`${agentId} ${sandboxId}`),
  };
  const agents = new Map<string, SimulatedAgent>();
  let number = 0;

  beforeAll(async () => {
    api = await ApiserverProcess.start();
    kube = new KubeClient(loadKubeConfig(join(api.folder, 'kubeconfig')));
    port = await freePort();
    pool = await AgentPool.make(kube, 'pool', {});
    pods = new Informer({ client: kube, kind: POD_KIND, labelSelector: AGENT_POD_SELECTOR });
    pki = await AgentPki.make(join(api.folder, 'agent-pki'));
    client = new AgentClient({ tls: pki.client, port });
    pools = new Informer({ client: kube, kind: POOL_KIND });
    directory = new AgentDirectory({ registry: new Registry(), client, pods, pools, refused });
    placer = new Placer({ directory, client });
    for (const cache of [pods, pools]) cache.start();
    await Promise.all([pods.synced, pools.synced]);
    directory.start();
  }, 60_000);

  afterEach(async () => {
    for (const name of [...agents.keys()]) await remove(name);
    await eventually(() => expect(directory.agentsOf('default', 'pool')).toEqual([]), 20_000);
  });

  afterAll(async () => {
    await directory.stop();
    client.close();
    await Promise.all([pods.stop(), pools.stop()]);
    await kube.close();
    await api.end();
  }, 60_000);

  /** Each agent has its own address: 127.0.0.2 and so on. */
  async function add(more: { slots?: number; version?: SimulatedAgent['version'] } = {}): Promise<SimulatedAgent> {
    const name = `agent-${++number}`;
    const traits = { name, uid: await pool.addPod(name), address: `127.0.0.${number + 1}`, port };
    const agent = await SimulatedAgent.start({ ...traits, slots: more.slots ?? 2 }, pki);
    agent.version = more.version ?? 'current';
    agents.set(name, agent);
    await pool.setAddress(name, agent.traits.address);
    await eventually(() => expect(directory.agent(`default/${name}`)?.inSync).toBe(true), 20_000);
    return agent;
  }

  async function remove(name: string): Promise<void> {
    await agents.get(name)?.stop();
    agents.delete(name);
    await pool.deletePod(name).catch(() => undefined); // a test may have deleted it
  }

  function place(id: string, ports: number[] = [], ms = 20_000, signal = never): Promise<Placement> {
    const sandbox: SandboxRequest = {
      sandboxId: id,
      claimUid: '',
      claimName: id,
      image: 'i',
      namespace: 'default',
      ports,
    };
    const request = { namespace: 'default', pool: 'pool', name: id, image: 'i', ports, sandbox };
    return placer.place(request, signal, Date.now() + ms);
  }

  it('spreads sandboxes over the agents, and fails with resource_exhausted when all are full', async () => {
    const [one, two] = [await add({ slots: 1 }), await add({ slots: 1 })];
    const placed = [await place('a'), await place('b')].map(({ agent }) => agent.name);
    expect(new Set(placed).size).toBe(2);
    await expect(place('c')).rejects.toMatchObject({ code: 'resource_exhausted' });
    expect([...one.asked, ...two.asked].sort()).toEqual(['a', 'b']);
  });

  it('tries another agent if one is unreachable, and fails with unavailable if there is none', async () => {
    const gone = await add();
    await gone.stop();
    await expect(place('a')).rejects.toMatchObject({ code: 'unavailable' });
    const other = await add();
    expect((await place('b')).agent.name).toBe(other.traits.name);
  });

  it("believes an agent's reports only of its own namespace, in a snapshot and in a change", async () => {
    const planted = (sandboxId: string, namespace: string) =>
      ({ sandboxId, namespace, claimName: sandboxId, claimUid: '', phase: 'running', createdAt: 1 }) as const;
    const agent = await add({ slots: 4 });
    const id = `default/${agent.traits.name}`;
    agent.report(planted('later', 'team-b'));
    agent.report(planted('own', 'default'));
    await eventually(() => expect(directory.findByName('default', 'own')).toHaveLength(1));
    agent.sandboxes.set('first', planted('first', 'team-b'));
    agent.cut();
    await eventually(() => expect(foreign).toContain(`${id} first`), 20_000);
    expect(foreign).toContain(`${id} later`);
    for (const name of ['later', 'first']) {
      expect(directory.findByName('team-b', name)).toEqual([]);
      expect(directory.findByName('default', name)).toEqual([]);
    }
  });

  it('neither believes nor asks another agent that has got the address of a Pod', async () => {
    const agent = await add({ slots: 2 });
    const name = `agent-${++number}`;
    await pool.addPod(name);
    await pool.setAddress(name, agent.traits.address);
    await eventually(() => expect(directory.agent(`default/${name}`)).toBeDefined());
    expect((await place('a')).agent.name).toBe(agent.traits.name);
    expect((await place('b')).agent.name).toBe(agent.traits.name);
    await expect(place('c')).rejects.toMatchObject({ code: 'resource_exhausted' });
    expect(directory.agent(`default/${name}`)).toMatchObject({ inSync: false, capacity: 0 });
    await pool.deletePod(name);
    const answer = await client.create(
      { address: agent.traits.address, podUid: agent.traits.uid },
      { sandbox: { sandboxId: 'd', claimUid: '', claimName: 'd', image: 'i' }, agentUid: 'of-another' },
      never,
      Date.now() + 5_000,
    );
    expect(answer).toMatchObject({ success: false, code: 'other_agent' });
  });

  it('waits longer for an agent that reports the sandbox as creating than for a silent one', async () => {
    const agent = await add();
    agent.createMs = 7_000;
    expect((await place('slow')).agent.name).toBe(agent.traits.name);
    expect(agent.asked).toEqual(['slow']);
  });

  it('places elsewhere at once when the Pod is deleted during a create', async () => {
    const first = await add();
    first.createMs = 50_000;
    const placing = place('a');
    await eventually(() => expect(first.asked).toEqual(['a']));
    const second = await add();
    const started = Date.now();
    await pool.deletePod(first.traits.name);
    expect((await placing).agent.name).toBe(second.traits.name);
    expect(Date.now() - started).toBeLessThan(4_000);
  });

  it('keeps the reservation of a create whose caller left until the agent has reported', async () => {
    const agent = await add({ slots: 1 });
    agent.createMs = 3_000;
    const caller = new AbortController();
    const placing = place('left', [], 20_000, caller.signal);
    await eventually(() => expect(agent.asked).toEqual(['left']));
    caller.abort();
    await expect(placing).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(directory.registry.find('default', 'left')).toBeDefined();
    await eventually(() => {
      expect(directory.findByName('default', 'left').map(({ sandbox }) => sandbox.phase)).toEqual(['running']);
    });
    await expect(place('late')).rejects.toMatchObject({ code: 'resource_exhausted' });
  });

  it('ignores a Pod whose owner reference names a pool that does not exist', async () => {
    const pretended = pool.withUid('of-no-pool');
    await pretended.addPod('pretender');
    await pretended.setAddress('pretender', '127.0.0.99');
    await add();
    expect(directory.agent('default/pretender')).toBeUndefined();
    await pool.deletePod('pretender').catch(() => undefined); // the garbage collector may have been faster
  });

  it('works with an agent of the Go predecessor: polled, recognised by name, its ports remembered', async () => {
    const agent = await add({ slots: 3, version: 'original' });
    expect(directory.agent(`default/${agent.traits.name}`)).toMatchObject({ capacity: 3, draining: false });
    expect((await place('old', [80])).endpoints).toEqual([`${agent.traits.address}:80`]);
    const reported = () => directory.report(`default/${agent.traits.name}`, 'old')?.phase;
    await eventually(() => expect(reported()).toBe('running'));
    expect(directory.registry.find('default', 'old')?.sandbox.ports).toEqual([80]);
    await expect(place('twice', [80])).rejects.toMatchObject({ code: 'resource_exhausted' });
    await client.delete({ address: agent.traits.address, podUid: agent.traits.uid }, 'old');
    await eventually(() => expect(reported()).toBeUndefined());
    await agent.stop();
    await eventually(() => expect(directory.agent(`default/${agent.traits.name}`)?.inSync).toBe(false));
  });
});
