import { makePoolDemand } from '@fsb/api/pool-demand';
import { CONFIG_MAP_KIND, type Pod, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { eventually } from '../../../test/support/eventually';
import { agentTemplate, PoolScene } from './testing/pool-scene';

jest.setTimeout(300_000);
const namespace = 'default';
const LONG_MS = 90_000;
const names = (pods: readonly Pod[]): string[] => pods.map(({ metadata }) => metadata.name ?? '').sort();

let scene: PoolScene;
beforeAll(async () => {
  scene = await PoolScene.start();
  await Promise.all([scene.launch('one'), scene.launch('two')]);
});
afterAll(() => scene.stop());

async function ask(pool: string, replica: string, unmet: number, ports: [number, number][] = []): Promise<void> {
  const { metadata } = await scene.pool(pool);
  const demand = { namespace, pool, poolUid: metadata.uid ?? '', unmet, ports: new Map(ports) };
  await scene.kube.create(CONFIG_MAP_KIND, makePoolDemand(demand, replica, new Date()));
}
const demands = async (pool: string): Promise<string[]> => {
  const { items } = await scene.kube.list(CONFIG_MAP_KIND, { namespace });
  return items.map(({ metadata }) => metadata.name ?? '').filter((name) => name.startsWith(`${pool}-demand-`));
};

it('PoolController: grows from zero for unmet creates, and drops those of a dead gateway', async () => {
  await scene.createPool('asked', { capacity: { poolMax: 3 }, maxSandboxesPerPod: 2 });
  await eventually(async () => (await scene.pool('asked')).status?.conditions !== undefined, LONG_MS);
  expect(await scene.pods('asked')).toEqual([]);
  const askedAt = Date.now();
  await Promise.all([ask('asked', 'aaaa', 2), ask('asked', 'bbbb', 1)]);
  const pods = await scene.podsBecome('asked', 2);
  for (const [i, pod] of pods.entries()) await scene.run(pod, `127.1.1.${i + 1}`);
  const [leader = ''] = await scene.leaders();
  await eventually(async () => {
    const text = await scene.metrics(leader);
    expect(text).toContain('fast_sandbox_pool_demand_slots{namespace="default",pool="asked",kind="unmet"} 3');
    expect(text).toContain('fast_sandbox_pool_agents{namespace="default",pool="asked",state="desired"} 2');
    expect(text).toContain('fast_sandbox_pool_agents{namespace="default",pool="asked",state="ready"} 2');
  }, LONG_MS);
  expect(await demands('asked')).toHaveLength(2);
  await scene.podsBecome('asked', 0); // no gateway renews them
  expect(Date.now() - askedAt).toBeGreaterThan(29_000);
  expect(await demands('asked')).toEqual([]);
});

it('PoolController: rolls a changed template by draining busy agents, and removes them when idle', async () => {
  await scene.createPool('roll', { capacity: { poolMin: 2, poolMax: 2 }, maxSandboxesPerPod: 2 });
  const old = await scene.podsBecome('roll', 2);
  for (const [i, pod] of old.entries()) {
    await scene.run(pod, `127.1.2.${i + 1}`);
    scene.allocated.set(`127.1.2.${i + 1}`, 1);
    await scene.place(`roll-${i}`, 'roll', pod.metadata.name ?? '');
  }
  await scene.changePool('roll', { agentTemplate: agentTemplate('fast-sandbox/node-agent:next') });
  const three = await scene.podsBecome('roll', 3);
  expect(scene.drains.filter((line) => line.startsWith('127.1.2.'))).toEqual([]); // none before a successor is ready
  const fresh = three.find(({ metadata }) => !names(old).includes(metadata.name ?? ''))!;
  await scene.run(fresh, '127.1.2.9');
  const retired = await eventually(() => {
    const drained = scene.drains.filter((line) => /^127\.1\.2\.[12] true$/.test(line));
    expect(drained).not.toEqual([]);
    return drained[0]!.split(' ')[0]!;
  }, LONG_MS);
  await eventually(async () => expect(await scene.events('AgentRetired')).toHaveLength(1), LONG_MS);
  expect(names(await scene.pods('roll'))).toEqual(names(three)); // no busy agent was removed
  const at = Number(retired.slice(-1)) - 1;

  // a restarted agent has forgotten that it drains
  const before = scene.drains.length;
  await scene.run(old[at]!, retired, 1);
  await eventually(() => expect(scene.drains.slice(before)).toContain(`${retired} true`), LONG_MS);

  scene.allocated.set(retired, 0);
  await scene.kube.delete(SANDBOX_KIND, { namespace, name: `roll-${at}` });
  await eventually(async () => !names(await scene.pods('roll')).includes(old[at]!.metadata.name ?? ''), LONG_MS);
  expect(scene.drains).not.toContain(`${retired} false`);
});

it('PoolController: puts a draining agent back into service when it is needed again', async () => {
  await scene.createPool('again', { capacity: { poolMin: 1, poolMax: 2 } });
  const [pod] = await scene.podsBecome('again', 1);
  await scene.run(pod!, '127.1.3.1');
  await eventually(async () => expect((await scene.pool('again')).status?.readyPods).toBe(1), LONG_MS);
  scene.allocated.delete('127.1.3.1'); // it does not answer, and so is not removed
  await scene.changePool('again', { capacity: { poolMin: 0 } });
  await eventually(async () => {
    const [left] = await scene.pods('again');
    expect(left?.metadata.annotations).toHaveProperty(['fast-sandbox.io/draining']);
  }, LONG_MS);
  await ask('again', 'cccc', 1);
  const [leader = ''] = await scene.leaders();
  // a round that began earlier would find it idle and remove it
  const asked = 'fast_sandbox_pool_demand_slots{namespace="default",pool="again",kind="unmet"} 1';
  await eventually(async () => expect(await scene.metrics(leader)).toContain(asked), LONG_MS);
  scene.allocated.set('127.1.3.1', 0);
  await eventually(() => expect(scene.drains).toContain('127.1.3.1 false'), LONG_MS);
  expect(names(await scene.pods('again'))).toEqual([pod!.metadata.name]);
});

it('PoolController: replaces Pods that fail at once with a growing back-off, and reports why', async () => {
  await scene.createPool('bad', { capacity: { poolMin: 1 } });
  const seen: string[] = [];
  const times: number[] = [];
  for (let round = 0; round < 4; round++) {
    const next = await eventually(async () => {
      const pods = await scene.pods('bad');
      return pods.find(({ metadata }) => !seen.includes(metadata.uid ?? '')) ?? false;
    }, LONG_MS);
    times.push(Date.now());
    seen.push(next.metadata.uid ?? '');
    await scene.status(next, { phase: 'Failed', reason: 'Evicted' });
  }
  const waits = times.slice(1).map((time, i) => time - times[i]!);
  expect(waits[1]!).toBeGreaterThan(8_500);
  expect(waits[2]!).toBeGreaterThan(18_500);
  await eventually(async () => {
    expect((await scene.pool('bad')).status).toMatchObject({
      currentPods: 0,
      conditions: [{ type: 'Valid' }, { type: 'Ready', reason: 'AgentsFailing' }],
    });
  }, LONG_MS);
  expect((await scene.events('AgentFailed')).map(({ message }) => message).join()).toContain('Evicted');
});

it('PoolController: makes exactly the desired Pods when the leader is killed midway', async () => {
  const leader = await eventually(async () => {
    const leaders = await scene.leaders();
    expect(leaders).toHaveLength(1);
    return leaders[0]!;
  }, LONG_MS);
  const { events, response } = await scene.api.watch(`/api/v1/namespaces/${namespace}/pods?watch=true`);
  await scene.createPool('many', { capacity: { poolMin: 30, poolMax: 30 } });
  const made = (): number =>
    events.filter((event) => event['type'] === 'ADDED' && JSON.stringify(event).includes('"name":"many-agent-')).length;
  await eventually(() => made() > 0, LONG_MS, 1);
  await scene.kill(leader, 'SIGKILL');
  const then = made();
  await scene.podsBecome('many', 30);
  // the new leader has seen them all; by now it would have made any extra ones
  await eventually(async () => expect((await scene.pool('many')).status?.currentPods).toBe(30), LONG_MS);
  expect(made()).toBe(30);
  expect(then).toBeLessThan(30);
  response.destroy();
  expect(await scene.leaders()).toHaveLength(1);
});
