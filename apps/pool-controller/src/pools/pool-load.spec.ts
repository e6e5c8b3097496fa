import { type SandboxPhase } from '@fsb/api/phases';
import { type Sandbox, type SandboxSpec } from '@fsb/api/sandbox';
import { DemandIndex } from './demand-index';
import { demandPart } from './pool-load';

interface Some {
  readonly phase?: SandboxPhase;
  readonly pod?: string;
  readonly spec?: Partial<SandboxSpec>;
  readonly deleted?: boolean;
}
const sandbox = ({ phase, pod, spec, deleted }: Some): Sandbox => ({
  apiVersion: 'sandbox.fast.io/v1alpha1',
  kind: 'Sandbox',
  metadata: { name: 's', namespace: 'n', ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
  spec: { image: 'i', poolRef: 'p', ...spec },
  status: { ...(phase ? { phase } : {}), ...(pod ? { assignedPod: pod } : {}) },
});

it.each<[string, Some, { active?: number; pending?: number; busy?: boolean; ended?: boolean }]>([
  ['a new sandbox as pending', {}, { pending: 1 }],
  ['a pending sandbox as pending', { phase: 'Pending' }, { pending: 1 }],
  ['a bound sandbox as active', { phase: 'Bound', pod: 'a' }, { active: 1, busy: true }],
  ['a running sandbox as active', { phase: 'Running', pod: 'a' }, { active: 1, busy: true }],
  ['a terminating sandbox as busy only', { phase: 'Terminating', pod: 'a' }, { busy: true }],
  ['a deleted sandbox that still runs as busy only', { phase: 'Running', pod: 'a', deleted: true }, { busy: true }],
  ['an expired sandbox as ended', { phase: 'Expired', pod: 'a' }, { ended: true }],
  ['a failed sandbox as ended', { phase: 'Failed', pod: 'a' }, { ended: true }],
  ['a succeeded sandbox as ended', { phase: 'Succeeded', pod: 'a' }, { ended: true }],
  ['a lost sandbox as ended', { phase: 'Lost', pod: 'a' }, { ended: true }],
  [
    'a lost sandbox with AutoRecreate as pending and ended',
    { phase: 'Lost', pod: 'a', spec: { failurePolicy: 'AutoRecreate' } },
    { pending: 1, ended: true },
  ],
  ['no sandbox of another pool', { phase: 'Running', pod: 'a', spec: { poolRef: 'q' } }, {}],
])('DemandIndex: counts %s', (_name, some, { active = 0, pending = 0, busy = false, ended = false }) => {
  const index = new DemandIndex();
  index.changed(demandPart(sandbox(some)), undefined); // demandPart keeps every field that counts
  const demand = index.of('n/p');
  expect(demand).toMatchObject({ active, pending });
  expect([demand.onAgent.get('a'), demand.endedOnAgent.get('a')]).toEqual([
    busy ? 1 : undefined,
    ended ? 1 : undefined,
  ]);
});

it('DemandIndex: counts pending ports, and the agents that have given a port', () => {
  const index = new DemandIndex();
  const waits = sandbox({ spec: { exposedPorts: [80, 81] } });
  const runs = sandbox({ phase: 'Running', pod: 'a', spec: { exposedPorts: [80, 81] } });
  index.changed(demandPart(waits), undefined);
  expect(index.of('n/p').pendingPorts).toEqual(
    new Map([
      [80, 1],
      [81, 1],
    ]),
  );
  index.changed(demandPart(runs), demandPart(waits));
  expect(index.of('n/p').pendingPorts.size).toBe(0);
  expect(index.of('n/p').portUsers.get(81)).toEqual(new Map([['a', 1]]));
  index.changed(
    demandPart(sandbox({ phase: 'Succeeded', pod: 'a', spec: { exposedPorts: [80, 81] } })),
    demandPart(runs),
  );
  expect(index.of('n/p').portUsers.size).toBe(0);
});

it('DemandIndex: follows every change, and drops empty pools', () => {
  const index = new DemandIndex();
  const steps = [sandbox({}), sandbox({ phase: 'Running', pod: 'a' }), sandbox({ phase: 'Running', pod: 'b' })];
  expect(index.changed(steps[0], undefined)).toEqual(['n/p']);
  expect(index.changed(steps[1], steps[0])).toEqual(['n/p']);
  expect(index.of('n/p')).toMatchObject({ active: 1, pending: 0, onAgent: new Map([['a', 1]]) });
  expect(index.changed(steps[2], steps[1])).toEqual(['n/p']);
  expect(index.changed({ ...steps[2]!, metadata: { name: 's', namespace: 'n', labels: {} } }, steps[2])).toEqual([]);
  expect(index.of('n/p')).toMatchObject({ active: 1, onAgent: new Map([['b', 1]]) });
  expect(index.changed(sandbox({ phase: 'Running', pod: 'b', spec: { poolRef: 'q' } }), steps[2])).toEqual([
    'n/p',
    'n/q',
  ]);
  expect(index.of('n/p')).toEqual(new DemandIndex().of('n/p'));
  expect(index.of('n/q').active).toBe(1);
  index.changed(undefined, sandbox({ phase: 'Running', pod: 'b', spec: { poolRef: 'q' } }));
  expect(index.of('n/q')).toEqual(new DemandIndex().of('n/q'));
});
