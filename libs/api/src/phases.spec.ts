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
])('%s: hasEnded %s, mayHoldSlot %s', (phase, ended, holds) => {
  expect([hasEnded(phase), mayHoldSlot(phase)]).toEqual([ended, holds]);
});

it('hasEnded: an object without a phase has not', () => {
  expect(hasEnded(undefined)).toBe(false);
});

// the sandbox-controller's copy had no `terminated`: such a sandbox was Expired although its process had ended before
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
