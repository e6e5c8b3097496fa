import { type AgentPhase, hasEnded, hasEndedOnAgent, mayHoldSlot, type SandboxPhase } from './phases';

it.each<[SandboxPhase, boolean, boolean]>([
  ['Pending', false, true],
  ['Bound', false, true],
  ['Running', false, true],
  ['Terminating', false, true],
  ['Lost', false, false],
  ['Expired', true, false],
  ['Failed', true, false],
  ['Succeeded', true, false],
])('phase %s: hasEnded is %s, mayHoldSlot is %s', (phase, ended, holds) => {
  expect([hasEnded(phase), mayHoldSlot(phase)]).toEqual([ended, holds]);
});

it('hasEnded: is false for an object without a phase', () => {
  expect(hasEnded(undefined)).toBe(false);
});

// Regression: the sandbox-controller's own copy lacked `terminated`; a sandbox whose process had ended became Expired
it.each<[AgentPhase | 'reserved' | 'constructor', boolean]>([
  ['creating', false],
  ['running', false],
  ['terminating', false],
  ['stopped', true],
  ['failed', true],
  ['terminated', true],
  ['reserved', false],
  ['constructor', false],
])('hasEndedOnAgent: %s is %s', (phase, ended) => {
  expect(hasEndedOnAgent(phase)).toBe(ended);
});
