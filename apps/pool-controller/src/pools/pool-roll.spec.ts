import { type AgentPodView } from './agent-pod-view';
import { type PoolWorld } from './pool-agents';
import { planPool } from './pool-plan';

const NO_PORTS = { pendingPorts: new Map<number, number>(), portUsers: new Map<number, Map<string, number>>() };
const NOW = 1_000_000_000;
const pod = (name: string, more: Partial<AgentPodView>): AgentPodView => ({
  ...{ name, uid: `uid-${name}`, address: '10.0.0.1', hash: 'new', createdAt: NOW - 60_000, reason: '' },
  ...{ ready: true, terminating: false, finished: false, draining: false, drainNotified: false, start: 'start-0' },
  readyChangedAt: NOW - 50_000,
  ...more,
});
/** A word for each Pod: `o` outdated, `n` new; `-` unready, `x` failed, `d` draining, `t` and notified; n sandboxes. */
function scene(text: string): Pick<PoolWorld, 'pods' | 'demand'> {
  const names = text.split(' ').filter(Boolean);
  const pods = names.map((name) =>
    pod(name, {
      ...{ hash: name.startsWith('o') ? 'old' : 'new', ready: !/[-x]/.test(name), finished: name.includes('x') },
      ...{ draining: /[dt]/.test(name), drainNotified: name.includes('t') },
      createdAt: name.includes('x') ? NOW - 1_000 : NOW - 60_000,
    }),
  );
  const held = names.map((name) => [name, Number(/\d/.exec(name)?.[0] ?? 0)] as const).filter(([, count]) => count > 0);
  const active = held.reduce((sum, [, count]) => sum + count, 0);
  return { pods, demand: { active, pending: 0, onAgent: new Map(held), endedOnAgent: new Map(), ...NO_PORTS } };
}

type Limits = Partial<PoolWorld['capacity']>;
const one = { poolMin: 1, poolMax: 1 };
const three = { poolMin: 3, poolMax: 3 };

it.each<[string, string, Limits, { create?: number; drain?: string; remove?: string; unmet?: number }]>([
  ['changes nothing without outdated agents', 'na nb', { poolMin: 2 }, {}],
  ['creates a successor first', 'oa ob', { poolMin: 2 }, { create: 1 }],
  ['creates it even above poolMax', 'oa', one, { create: 1 }],
  ['creates it also if all agents are busy', 'oa1', one, { create: 1 }],
  ['waits until it is ready', 'oa1 ob1 n-', { poolMin: 2 }, {}],
  ['then drains the least busy agent', 'oa2 ob1 n', { poolMin: 2, poolMax: 2 }, { drain: 'ob1' }],
  ['removes an idle agent at once', 'oa2 ob n', { poolMin: 2, poolMax: 2 }, { remove: 'ob' }],
  ['drains one agent at a time', 'oa1 ob2 oc3 n', three, { drain: 'oa1' }],
  ['leaves a retired busy agent alone', 'oat1 ob2 oc3 n', three, {}],
  ['drains an agent again that was not notified', 'oad1 ob2 oc3 n', three, { drain: 'oad1' }],
  ['removes a retired idle agent', 'oat ob2 oc3 n', three, { remove: 'oat' }],
  ['then creates the next successor', 'ob2 oc3 n', three, { create: 1 }],
  ['creates no successor for the last retired agent', 'oat1 na nb nc', three, {}],
  ['creates several successors with maxSurge 2', 'oa1 ob2 oc3', { ...three, maxSurge: 2 }, { create: 2 }],
  ['removes agents without demand at once', 'oa ob', {}, { remove: 'oa ob' }],
  ['removes an outdated agent that never was ready', 'o-', one, { create: 1, remove: 'o-' }],
  ['creates no second successor for a failed one', 'oa1 nx', one, {}],
  ['creates a successor with maxSurge 0 below poolMax', 'oa1', { poolMin: 1, poolMax: 2, maxSurge: 0 }, { create: 1 }],
  [
    'drains the least busy agent first with maxSurge 0 at poolMax',
    'oa2 ob1',
    { poolMax: 2, poolMin: 2, maxSurge: 0 },
    { drain: 'ob1' },
  ],
  ['drains no other meanwhile with maxSurge 0', 'oa2 obt1', { poolMax: 2, poolMin: 2, maxSurge: 0 }, {}],
  ['then creates its successor with maxSurge 0', 'oa2', { poolMax: 2, poolMin: 2, maxSurge: 0 }, { create: 1 }],
  ['drains no other before that is ready with maxSurge 0', 'oa2 n-', { poolMax: 2, poolMin: 2, maxSurge: 0 }, {}],
  ['drains no other if it failed with maxSurge 0', 'oa2 nx', { poolMax: 2, poolMin: 2, maxSurge: 0 }, {}],
  ['then drains the next with maxSurge 0', 'oa2 n', { poolMax: 2, poolMin: 2, maxSurge: 0 }, { drain: 'oa2' }],
  ['creates an agent for unmet creates beside retired ones', 'oat1', { poolMax: 3 }, { create: 1, unmet: 1 }],
  ['creates none beside retired ones without demand', 'oat1', { poolMax: 3 }, {}],
  ['removes an idle new agent beside a retired one', 'oat1 n', { poolMax: 3 }, { remove: 'n' }],
])('planPool, roll: %s: %s', (_what, text, limits, { create = 0, drain = '', remove = '', unmet = 0 }) => {
  const capacity = {
    ...{ poolMin: 0, poolMax: Infinity, bufferMin: 0, bufferMax: 0, perPod: 5, maxSurge: 1 },
    ...limits,
  };
  const plan = planPool({
    capacity,
    unmet,
    unmetPorts: new Map(),
    ...scene(text),
    hash: 'new',
    now: NOW,
    replaceAfterMs: 5_000,
  });
  const names = (pods: readonly AgentPodView[]): string => pods.map(({ name }) => name).join(' ');
  expect({ create: plan.create, drain: names(plan.drain), remove: names(plan.remove) }).toEqual({
    create,
    drain,
    remove,
  });
  expect([plan.discard, plan.keep]).toEqual([[], []]);
});

it('planPool, roll: keeps retired agents when the template is changed back', () => {
  const { pods, demand } = scene('nat1 nb');
  const capacity = { poolMin: 2, poolMax: 2, bufferMin: 0, bufferMax: 0, perPod: 5, maxSurge: 1 };
  const plan = planPool({
    capacity,
    unmet: 0,
    unmetPorts: new Map(),
    pods,
    demand,
    hash: 'new',
    now: NOW,
    replaceAfterMs: 5_000,
  });
  expect(plan).toMatchObject({ create: 0, remove: [], keep: [{ name: 'nat1' }] });
});
