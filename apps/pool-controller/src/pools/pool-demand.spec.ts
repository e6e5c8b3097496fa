import { type SandboxPhase } from '@fsb/api/phases';
import { type Sandbox, type SandboxSpec } from '@fsb/api/sandbox';
import { DemandIndex } from './demand-index';
import { demandPart } from './pool-demand';

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
  ['a new one', {}, { pending: 1 }],
  ['one that is waiting', { phase: 'Pending' }, { pending: 1 }],
  ['one that is placed', { phase: 'Bound', pod: 'a' }, { active: 1, busy: true }],
  ['one that runs', { phase: 'Running', pod: 'a' }, { active: 1, busy: true }],
  ['one that is being ended', { phase: 'Terminating', pod: 'a' }, { busy: true }],
  ['one that is deleted but still runs', { phase: 'Running', pod: 'a', deleted: true }, { busy: true }],
  ['an expired one', { phase: 'Expired', pod: 'a' }, { ended: true }],
  ['a failed one', { phase: 'Failed', pod: 'a' }, { ended: true }],
  ['one that is done', { phase: 'Succeeded', pod: 'a' }, { ended: true }],
  ['a lost one', { phase: 'Lost', pod: 'a' }, { ended: true }],
  [
    'a lost one that comes back',
    { phase: 'Lost', pod: 'a', spec: { failurePolicy: 'AutoRecreate' } },
    { pending: 1, ended: true },
  ],
  ['one of another pool', { phase: 'Running', pod: 'a', spec: { poolRef: 'q' } }, {}],
])('counts %s', (_name, some, { active = 0, pending = 0, busy = false, ended = false }) => {
  const index = new DemandIndex();
  index.changed(demandPart(sandbox(some)), undefined); // the part that the cache keeps has all that counts
  const demand = index.of('n/p');
  expect(demand).toMatchObject({ active, pending });
  expect([demand.onAgent.get('a'), demand.endedOnAgent.get('a')]).toEqual([
    busy ? 1 : undefined,
    ended ? 1 : undefined,
  ]);
});

it('knows the ports that are waited for, and who has given which', () => {
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

it('moves with every change, and forgets what is gone', () => {
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
