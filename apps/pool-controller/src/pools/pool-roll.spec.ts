import { type AgentPodView } from './agent-pod-view';
import { type PoolWorld } from './pool-agents';
import { planPool } from './pool-plan';

const NO_PORTS = { pendingPorts: new Map<number, number>(), portUsers: new Map<number, Map<string, number>>() };
const NOW = 1_000_000_000;
const pod = (name: string, more: Partial<AgentPodView>): AgentPodView => ({
  ...{ name, uid: `uid-${name}`, address: '10.0.0.1', hash: 'new', createdAt: NOW - 60_000, reason: '' },
  ...{ ready: true, terminating: false, finished: false, draining: false, told: false, start: 'start-0' },
  readyChangedAt: NOW - 50_000,
  ...more,
});
/** `o` outdated, `n` new; then `-` not ready, `x` failed, `d` draining, `t` and told so; a digit: so many sandboxes */
function scene(text: string): Pick<PoolWorld, 'pods' | 'demand'> {
  const names = text.split(' ').filter(Boolean);
  const pods = names.map((name) =>
    pod(name, {
      ...{ hash: name.startsWith('o') ? 'old' : 'new', ready: !/[-x]/.test(name), finished: name.includes('x') },
      ...{ draining: /[dt]/.test(name), told: name.includes('t') },
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
  ['nothing changed', 'na nb', { poolMin: 2 }, {}],
  ['a successor comes first', 'oa ob', { poolMin: 2 }, { create: 1 }],
  ['also above poolMax', 'oa', one, { create: 1 }],
  ['also where all are busy', 'oa1', one, { create: 1 }],
  ['and has to be ready', 'oa1 ob1 n-', { poolMin: 2 }, {}],
  ['then one takes no more', 'oa2 ob1 n', { poolMin: 2, poolMax: 2 }, { drain: 'ob1' }],
  ['an idle one goes at once', 'oa2 ob n', { poolMin: 2, poolMax: 2 }, { remove: 'ob' }],
  ['one at a time', 'oa1 ob2 oc3 n', three, { drain: 'oa1' }],
  ['a retired one has its sandboxes still', 'oat1 ob2 oc3 n', three, {}],
  ['one that was not told yet is', 'oad1 ob2 oc3 n', three, { drain: 'oad1' }],
  ['then it goes', 'oat ob2 oc3 n', three, { remove: 'oat' }],
  ['and the next successor comes', 'ob2 oc3 n', three, { create: 1 }],
  ['the last one', 'oat1 na nb nc', three, {}],
  ['several at a time', 'oa1 ob2 oc3', { ...three, maxSurge: 2 }, { create: 2 }],
  ['those that nobody needs go at once', 'oa ob', {}, { remove: 'oa ob' }],
  ['one that never got ready serves nobody', 'o-', one, { create: 1, remove: 'o-' }],
  ['no second successor for one that failed', 'oa1 nx', one, {}],
  ['maxSurge 0, below poolMax: as ever', 'oa1', { poolMin: 1, poolMax: 2, maxSurge: 0 }, { create: 1 }],
  [
    'maxSurge 0, full: one is given up, the least busy',
    'oa2 ob1',
    { poolMax: 2, poolMin: 2, maxSurge: 0 },
    { drain: 'ob1' },
  ],
  ['maxSurge 0: no other meanwhile', 'oa2 obt1', { poolMax: 2, poolMin: 2, maxSurge: 0 }, {}],
  ['maxSurge 0: its successor', 'oa2', { poolMax: 2, poolMin: 2, maxSurge: 0 }, { create: 1 }],
  ['maxSurge 0: no other before that is ready', 'oa2 n-', { poolMax: 2, poolMin: 2, maxSurge: 0 }, {}],
  ['maxSurge 0: nor where it failed', 'oa2 nx', { poolMax: 2, poolMin: 2, maxSurge: 0 }, {}],
  ['maxSurge 0: then the next', 'oa2 n', { poolMax: 2, poolMin: 2, maxSurge: 0 }, { drain: 'oa2' }],
  ['room beside retired ones', 'oat1', { poolMax: 3 }, { create: 1, unmet: 1 }],
  ['none where nobody asks', 'oat1', { poolMax: 3 }, {}],
  ['an idle new one beside a retired one is surplus', 'oat1 n', { poolMax: 3 }, { remove: 'n' }],
])('%s: %s', (_what, text, limits, { create = 0, drain = '', remove = '', unmet = 0 }) => {
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

it('a template that is what it was takes retired agents back', () => {
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
