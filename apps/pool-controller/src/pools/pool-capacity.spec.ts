import { type SandboxPool, type SandboxPoolSpec } from '@fsb/api/sandbox-pool';
import { capacityOf, problemsOf } from './pool-capacity';

const agentTemplate = { spec: { containers: [{ name: 'agent', image: 'i' }] } };
const pool = (spec: SandboxPoolSpec, name = 'p'): SandboxPool => ({
  apiVersion: 'sandbox.fast.io/v1alpha1',
  kind: 'SandboxPool',
  metadata: { name, namespace: 'n' },
  spec: { agentTemplate, ...spec },
});

it('capacityOf: fills in defaults', () => {
  expect(capacityOf(pool({}))).toEqual({
    ...{ poolMin: 0, poolMax: Infinity, bufferMin: 0, bufferMax: 0, perPod: 5, maxSurge: 1 },
  });
  const capacity = { poolMin: 1, poolMax: 0, bufferMin: 3 };
  expect(capacityOf(pool({ capacity, maxSandboxesPerPod: 0, maxSurge: 0 }))).toEqual({
    ...{ poolMin: 1, poolMax: Infinity, bufferMin: 3, bufferMax: 3, perPod: 5, maxSurge: 0 },
  });
});

it.each<[string, SandboxPool, string[]]>([
  ['none of all defaults', pool({}), []],
  ['none of poolMax 0, which is unlimited', pool({ capacity: { poolMin: 5, poolMax: 0 } }), []],
  ['poolMax below poolMin', pool({ capacity: { poolMin: 3, poolMax: 2 } }), ['spec.capacity.poolMax (2)']],
  ['bufferMax below bufferMin', pool({ capacity: { bufferMin: 3, bufferMax: 2 } }), ['spec.capacity.bufferMax (2)']],
  ['none of a valid warm image', pool({ warmImages: [{ image: 'busybox', containers: 1 }] }), []],
  [
    'an invalid image name',
    pool({ warmImages: [{ image: 'Busy Box', containers: 1 }] }),
    ['spec.warmImages[0].image: "Busy Box"'],
  ],
  ['a pool name too long for a label', pool({}, 'x'.repeat(64)), ['metadata.name is longer than 63']],
  ['no agent container', pool({ agentTemplate: {} }), ['containers[0].image is missing']],
  ['an agent without an image', pool({ agentTemplate: { spec: { containers: [{}] } } }), ['containers[0].image']],
  [
    'several problems',
    pool({ capacity: { poolMin: 2, poolMax: 1, bufferMin: 2, bufferMax: 1 } }),
    ['spec.capacity.poolMax', 'spec.capacity.bufferMax'],
  ],
])('problemsOf: names %s', (_name, tested, expected) => {
  const problems = problemsOf(tested);
  expect(problems).toHaveLength(expected.length);
  expected.forEach((part, i) => expect(problems[i]).toContain(part));
});
