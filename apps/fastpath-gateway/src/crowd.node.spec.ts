import { once } from 'node:events';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { FastPathServiceClient } from '@fsb/api/gen/fastpath/v1/fastpath';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient, loadKubeConfig } from '@fsb/controller-runtime/kube-client';
import { AgentPool } from '../../../test/support/agent-pool';
import { AgentPki } from '../../../test/support/agent-pki';
import { ApiserverProcess } from '../../../test/support/apiserver-process';
import { eventually } from '../../../test/support/eventually';
import { freePort } from '../../../test/support/free-port';
import { SimulatedAgent } from '../../../test/support/simulated-agent';
import { GatewayCalls } from './testing/gateway-calls';

jest.setTimeout(300_000);
const MAIN = resolve(__dirname, '../../../dist/apps/fastpath-gateway/src/main.js');
const AGENTS = 40;
const SLOTS = 20;
const CREATES = 1_200;

describe('two gateways with 1,200 concurrent creates', () => {
  let api: ApiserverProcess;
  let kube: KubeClient;
  let pki: AgentPki;
  const agents: SimulatedAgent[] = [];
  /** agents of other versions than the gateways */
  const others: SimulatedAgent[] = [];
  const gateways: { child: ChildProcess; calls: GatewayCalls }[] = [];

  beforeAll(async () => {
    api = await ApiserverProcess.start();
    pki = await AgentPki.make(join(api.folder, 'agent-pki'));
    kube = new KubeClient(loadKubeConfig(join(api.folder, 'kubeconfig')));
    const port = await freePort();
    const pool = await AgentPool.make(kube, 'pool', { maxSandboxesPerPod: SLOTS });
    for (let i = 1; i <= AGENTS; i++) {
      const traits = { name: `agent-${i}`, uid: await pool.addPod(`agent-${i}`), address: `127.0.1.${i}`, port };
      const agent = await SimulatedAgent.start({ ...traits, slots: SLOTS }, pki);
      agent.createMs = 20;
      agents.push(agent);
      await pool.setAddress(traits.name, traits.address);
    }
    for (const version of ['original', 'next'] as const) {
      const other = await AgentPool.make(kube, version, { maxSandboxesPerPod: SLOTS });
      const address = `127.0.2.${others.length + 1}`;
      const traits = { name: version, uid: await other.addPod(version), address, port, slots: SLOTS };
      const agent = await SimulatedAgent.start(traits, pki);
      agent.version = version;
      others.push(agent);
      await other.setAddress(version, address);
    }
    for (const name of ['one', 'two']) gateways.push(await launch(name, port));
  }, 300_000);

  afterAll(async () => {
    for (const { child, calls } of gateways) {
      calls.client.close();
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
    for (const agent of [...agents, ...others]) await agent.stop();
    await kube.close();
    await api.end();
  }, 120_000);

  async function launch(name: string, agentPort: number): Promise<{ child: ChildProcess; calls: GatewayCalls }> {
    const [endpoint, probes] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const flags = {
      ...{ kubeconfig: join(api.folder, 'kubeconfig'), 'agent-tls-dir': pki.clientDir },
      // no queue: a create that waits for a seat may run while its replica counts slots as taken by the other too early
      ...{ 'agent-port': String(agentPort), 'grpc-bind-address': endpoint, 'max-creates-in-flight': '4000' },
      ...{ 'health-probe-bind-address': probes, 'metrics-bind-address': probes, 'insecure-plaintext': 'true' },
    };
    const out = openSync(join(api.folder, `${name}.out`), 'a');
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    const child = spawn('node', [MAIN, ...args], { stdio: ['ignore', out, out] });
    closeSync(out);
    await eventually(async () => (await fetch(`http://${probes}/readyz`)).ok, 90_000);
    return { child, calls: new GatewayCalls(new FastPathServiceClient(endpoint, credentials.createInsecure())) };
  }

  /** @returns the names of the creates that succeeded */
  async function crowd(prefix: string, count: number, ports: number[]): Promise<string[]> {
    const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
    const made = await Promise.all(
      names.map((name, index) => gateways[index % 2]!.calls.create(name, { exposedPorts: ports }, 120_000)),
    );
    // UNAVAILABLE: each agent that was asked had been filled by other creates
    const refusals = ['OK', 'RESOURCE_EXHAUSTED', 'UNAVAILABLE'];
    for (const { code } of made) expect(refusals).toContain(code);
    return names.filter((_name, index) => made[index]!.code === 'OK');
  }

  async function end(names: readonly string[]): Promise<void> {
    await eventually(async () => {
      const { items } = await kube.list(SANDBOX_KIND);
      expect(items.map(({ metadata }) => metadata.name).sort()).toEqual([...names].sort());
    }, 120_000);
    // no sandbox-controller runs here to remove the finalizers
    for (const name of names) {
      const key = { namespace: 'default', name };
      await kube.patch(SANDBOX_KIND, key, { metadata: { finalizers: null } });
      await kube.delete(SANDBOX_KIND, key);
    }
    for (const agent of agents) agent.clear();
  }

  it('fill every slot, and none twice', async () => {
    const running = await crowd('slot', CREATES, []);
    expect(running).toHaveLength(AGENTS * SLOTS);
    for (const { sandboxes, seen } of agents) expect([sandboxes.size, seen.most]).toEqual([SLOTS, SLOTS]);
    const ids = agents.flatMap(({ sandboxes }) => [...sandboxes.keys()]);
    expect(new Set(ids).size).toBe(AGENTS * SLOTS);
    await end(running);
  });

  it.each(['original', 'next'] as const)('work with an agent of another version: %s', async (version) => {
    const agent = others.find(({ traits }) => traits.name === version)!;
    const names = [`${version}-1`, `${version}-2`];
    for (const [index, name] of names.entries()) {
      const { calls } = gateways[index]!;
      // an agent of the Go predecessor is polled: it is unknown until the first poll
      const made = await eventually(async () => {
        const { code, answer } = await calls.create(name, { poolRef: version, exposedPorts: [9000 + index] });
        expect(code).toBe('OK');
        return answer!;
      }, 30_000);
      expect(made).toMatchObject({ agentPod: version, endpoints: [`${agent.traits.address}:${9000 + index}`] });
      expect([...agent.sandboxes.keys()]).toContain(made.sandboxId);
    }
    for (const { calls } of gateways)
      await eventually(async () => expect((await calls.get(names[0]!)).answer?.phase).toBe('Running'), 30_000);
    await end(names);
    agent.clear();
  });

  it('give a fixed port once on each agent', async () => {
    const running = await crowd('web', 400, [8080]);
    expect(running).toHaveLength(AGENTS);
    for (const { ports } of agents) expect(ports).toEqual([8080]);
    await end(running);
  });
});
