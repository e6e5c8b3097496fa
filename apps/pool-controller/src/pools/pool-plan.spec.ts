import { type AgentPodView } from './agent-pod-view';
import { type PoolLoad } from './pool-load';
import { type PoolWorld } from './pool-agents';
import { planPool } from './pool-plan';

const NOW = 1_000_000_000;
const agent = (name: string, more: Partial<AgentPodView> = {}): AgentPodView => ({
  ...{ name, uid: `uid-${name}`, address: '10.0.0.1', hash: 'new', createdAt: NOW - 60_000 },
  ...{ ready: true, terminating: false, finished: false, draining: false },
  ...{ drainNotified: false, start: 'start-0', readyChangedAt: NOW - 50_000, reason: '' },
  ...more,
});
const agents = (count: number, more: Partial<AgentPodView> = {}): AgentPodView[] =>
  Array.from({ length: count }, (_, i) => agent(`a${i}`, more));

interface Case {
  readonly capacity?: Partial<PoolWorld['capacity']>;
  readonly pods?: AgentPodView[];
  readonly active?: number;
  readonly pending?: number;
  readonly unmet?: number;
  /** ports of pending sandboxes, and of unmet creates, with their numbers */
  readonly pendingPorts?: [number, number][];
  readonly unmetPorts?: [number, number][];
  /** ports given, and the agents that gave them */
  readonly given?: [number, string[]][];
  readonly busy?: string[];
  readonly ended?: string[];
}
const plan = ({ capacity, pods = [], active = 0, pending = 0, unmet = 0, busy = [], ended = [], ...wanted }: Case) => {
  const counts = (names: string[]): Map<string, number> => new Map(names.map((name) => [name, 1]));
  const { pendingPorts = [], unmetPorts = [], given = [] } = wanted;
  const portUsers = new Map(given.map(([port, names]) => [port, counts(names)]));
  const demand: PoolLoad = {
    ...{ active, pending, onAgent: counts(busy), endedOnAgent: counts(ended) },
    ...{ pendingPorts: new Map(pendingPorts), portUsers },
  };
  const limits = { poolMin: 0, poolMax: Infinity, bufferMin: 0, bufferMax: 0, perPod: 5, maxSurge: 1, ...capacity };
  const { create, remove, drain, discard, keep, desired, againInMs } = planPool({
    ...{
      capacity: limits,
      demand,
      unmet,
      unmetPorts: new Map(unmetPorts),
      pods,
      hash: 'new',
      now: NOW,
      replaceAfterMs: 5_000,
    },
  });
  const names = (views: readonly AgentPodView[]): string[] => views.map(({ name }) => name);
  return {
    ...{ desired, create, remove: names(remove), drain: names(drain) },
    ...{ discard: names(discard), keep: names(keep), againInMs },
  };
};

const nothing = { create: 0, remove: [], drain: [], discard: [], keep: [] };

it.each<[string, Case, Partial<ReturnType<typeof plan>>]>([
  ['nothing without demand', {}, { ...nothing, desired: 0 }],
  ['poolMin agents without demand', { capacity: { poolMin: 2 } }, { desired: 2, create: 2 }],
  ['one agent for a bufferMin of one slot', { capacity: { bufferMin: 1 } }, { desired: 1, create: 1 }],
  [
    'agents for active + pending + bufferMin',
    { capacity: { bufferMin: 2 }, active: 8, pending: 1 },
    { desired: 3, create: 3 },
  ],
  ['an agent for an unmet create', { active: 5, unmet: 1, pods: agents(1) }, { desired: 2, create: 1 }],
  [
    'an agent for a port that the only agent has given',
    { pods: agents(1), active: 1, busy: ['a0'], pending: 1, pendingPorts: [[80, 1]], given: [[80, ['a0']]] },
    { desired: 2, create: 1 },
  ],
  [
    'three agents for three unmet creates of a port that the only agent has given',
    { pods: agents(1), active: 1, busy: ['a0'], unmet: 3, unmetPorts: [[80, 3]], given: [[80, ['a0']]] },
    { desired: 4, create: 3 },
  ],
  [
    'nothing for a port that another agent has free',
    { pods: agents(2), active: 1, busy: ['a0'], pending: 1, pendingPorts: [[80, 1]], given: [[80, ['a0']]] },
    { desired: 2, create: 0 },
  ],
  [
    'nothing for different ports, which share an agent',
    {
      pods: agents(1),
      pending: 2,
      pendingPorts: [
        [80, 1],
        [81, 1],
      ],
    },
    { desired: 1, create: 0 },
  ],
  [
    'agents for ports up to poolMax',
    {
      capacity: { poolMax: 2 },
      pods: agents(1),
      active: 1,
      busy: ['a0'],
      unmet: 3,
      unmetPorts: [[80, 3]],
      given: [[80, ['a0']]],
    },
    { desired: 2, create: 1 },
  ],
  ['no spare agent for exactly full ones', { active: 10 }, { desired: 2, create: 2 }],
  ['no more than poolMax', { capacity: { poolMax: 2 }, pending: 100 }, { desired: 2, create: 2 }],
  ['only the missing agents', { pending: 11, pods: agents(2) }, { desired: 3, create: 1 }],
  ['nothing while an agent is not ready yet', { pending: 6, pods: agents(2, { ready: false }) }, { create: 0 }],
  [
    'a replacement for a terminating agent',
    { pending: 1, pods: agents(1, { terminating: true }) },
    { create: 1, remove: [] },
  ],
  ['at most 50 in one round', { pending: 1000 }, { desired: 200, create: 50 }],
])('planPool: creates %s', (_name, input, expected) => {
  expect(plan(input)).toMatchObject(expected);
});

it.each<[string, Case, string[]]>([
  ['agents above poolMin', { capacity: { poolMin: 1 }, pods: agents(2) }, ['a0']],
  ['no busy agent', { pods: agents(2), busy: ['a0', 'a1'], active: 2 }, []],
  ['the idle agent of two', { pods: agents(2), busy: ['a0'], active: 1 }, ['a1']],
  ['no more than the surplus', { pods: agents(4), busy: ['a0'], active: 6 }, ['a1', 'a2']],
  [
    'an idle agent above poolMax',
    { capacity: { poolMax: 1, bufferMax: 100 }, pods: agents(2), busy: ['a0'], active: 1 },
    ['a1'],
  ],
  ['none within bufferMax', { capacity: { bufferMax: 10 }, pods: agents(2) }, []],
  ['agents beyond bufferMax', { capacity: { bufferMax: 11 }, pods: agents(3) }, ['a0']],
  ['an agent that is not ready first', { pods: [agent('a'), agent('b', { ready: false })], pending: 1 }, ['b']],
  ['the youngest agent first', { pods: [agent('a'), agent('b', { createdAt: NOW - 1_000 })], pending: 1 }, ['b']],
  ['no Pod that may not exist', { pods: agents(1, { uid: '' }) }, []],
  ['an agent with ended logs last', { pods: agents(2), ended: ['a0'], pending: 1 }, ['a1']],
  ['none beside a terminating agent', { pods: [agent('a'), agent('b', { terminating: true })], pending: 1 }, []],
])('planPool: removes %s', (_name, input, expected) => {
  expect(plan(input)).toMatchObject({ create: 0, remove: expected });
});

it('planPool: keeps a draining agent that is needed again', () => {
  const pods = [agent('a', { draining: true }), agent('b')];
  expect(plan({ pods, pending: 6 })).toMatchObject({ keep: ['a'], remove: [] });
  expect(plan({ pods, pending: 6, busy: ['b'] })).toMatchObject({ keep: ['a'], remove: [] });
  expect(plan({ pods, pending: 1 })).toMatchObject({ keep: [], remove: ['a'] });
});

it('planPool: discards and replaces finished Pods, young ones after a delay', () => {
  const old = agent('old', { finished: true });
  const young = agent('young', { finished: true, createdAt: NOW - 1_000 });
  expect(plan({ pods: [old], pending: 1 })).toMatchObject({ create: 1, discard: ['old'], remove: [] });
  expect(plan({ pods: [young], pending: 1 })).toMatchObject({ create: 0, discard: [] });
  expect(plan({ capacity: { poolMin: 1, poolMax: 1 }, pods: [young] }).againInMs).toBe(4_000);
});
