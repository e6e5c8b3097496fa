import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type Claim, mergedClaim } from './claim';
import { merged } from './sandbox-status';

const RUNNING: AgentSandboxStatus = {
  ...{ sandboxId: 's', claimUid: '', phase: 'running', createdAt: 1 },
  object: { spec: {} },
};
const EXIT = { exitCode: 7, reason: 'Error', finishedAt: '2026-01-01T00:00:00.000Z' };
const ENDED: AgentSandboxStatus = { ...RUNNING, phase: 'failed', ...EXIT };
const LOST: AgentSandboxStatus = {
  ...{ ...RUNNING, phase: 'failed', reason: 'ShimLost' },
  finishedAt: '2026-01-01T00:00:00.000Z',
};

describe('merged', () => {
  it.each<[string, AgentSandboxStatus, Partial<AgentSandboxStatus>, Partial<AgentSandboxStatus>]>([
    ['adds an exit', RUNNING, { phase: 'failed', ...EXIT }, { phase: 'failed', ...EXIT }],
    ['keeps the first exit', ENDED, { ...EXIT, exitCode: 137 }, EXIT],
    ['keeps an exit through a bind that read an older claim', ENDED, { ...RUNNING, claimUid: 'u' }, EXIT],
    ['keeps an exit through a delete', ENDED, { phase: 'terminating' }, { phase: 'terminating', ...EXIT }],
    ['does not go back to an earlier phase', ENDED, { phase: 'running' }, { phase: 'failed' }],
    ['stays terminating through an exit', { ...RUNNING, phase: 'terminating' }, ENDED, { phase: 'terminating' }],
    ['keeps the uid of an object', { ...RUNNING, claimUid: 'u' }, { claimUid: '' }, { claimUid: 'u' }],
    ['adds no code to an exit whose code is unknown', LOST, { exitCode: 137, reason: 'Error' }, { reason: 'ShimLost' }],
  ])('%s', (_what, before, change, expected) => {
    expect(merged(before, change)).toMatchObject(expected);
  });

  it('has no code where it is unknown', () => {
    expect(merged(LOST, { exitCode: 137 })).not.toHaveProperty('exitCode');
  });

  it('drops the object of a bound sandbox', () => {
    expect(merged(RUNNING, { claimUid: 'u' })).not.toHaveProperty('object');
  });
});

describe('mergedClaim', () => {
  const claim: Claim = {
    ...{ sandboxId: 's', claimUid: '', claimName: 's', namespace: 'n', image: 'i', ports: [], createdAt: 1 },
  };

  it('keeps the first exit and the first uid, in either order', () => {
    const bound = mergedClaim(mergedClaim(claim, { finished: EXIT }), { claimUid: 'u' });
    const ended = mergedClaim(mergedClaim(claim, { claimUid: 'u' }), { finished: EXIT });
    expect(bound).toEqual(ended);
    expect(mergedClaim(bound, { claimUid: 'v', finished: { ...EXIT, exitCode: 1 } })).toEqual(bound);
  });
});
