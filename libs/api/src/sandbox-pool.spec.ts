import { maxAgents, sandboxesPerAgent, type SandboxPoolSpec } from './sandbox-pool';

// Regression: only the pool-controller took a negative number, which the schema refuses, for a limit
it.each<[number | undefined, number]>([
  [undefined, 5],
  [0, 5],
  [-1, 5],
  [1, 1],
  [40, 40],
])('sandboxesPerAgent: maxSandboxesPerPod %s is %d', (maxSandboxesPerPod, slots) => {
  expect(sandboxesPerAgent(maxSandboxesPerPod === undefined ? {} : { maxSandboxesPerPod })).toBe(slots);
});

it.each<[SandboxPoolSpec, number | undefined]>([
  [{}, undefined],
  [{ capacity: {} }, undefined],
  [{ capacity: { poolMax: 0 } }, undefined],
  [{ capacity: { poolMax: 3 } }, 3],
])('maxAgents: %j gives %s', (spec, agents) => {
  expect(maxAgents(spec)).toBe(agents);
});
