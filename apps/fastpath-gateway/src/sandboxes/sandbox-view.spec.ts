import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type AgentPhase } from '@fsb/api/phases';
import { type Sandbox } from '@fsb/api/sandbox';
import { viewOfObject, withEnd } from './sandbox-view';

const object = (phase: string, more: object = {}): Sandbox => ({
  ...{ apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'Sandbox', metadata: { name: 'n', namespace: 'default' } },
  spec: { image: 'busybox', poolRef: 'pool' },
  status: { phase, sandboxID: 'a', assignedPod: 'agent', ...more } as NonNullable<Sandbox['status']>,
});
const report = (phase: AgentPhase, more: Partial<AgentSandboxStatus> = {}): AgentSandboxStatus => ({
  ...{ sandboxId: 'a', claimUid: 'u', image: 'busybox', ports: [], createdAt: 1, phase, ...more },
});
const FAILED = report('failed', { exitCode: 7, reason: 'Error', finishedAt: '2026-01-01T00:00:00Z' });

describe('withEnd', () => {
  it.each([
    ['Running', FAILED, 'Failed', 7],
    ['Bound', FAILED, 'Failed', 7],
    ['Running', report('stopped', { exitCode: 0, reason: 'Completed' }), 'Succeeded', 0],
    ['Running', report('failed', { reason: 'ShimLost' }), 'Failed', undefined],
    ['Running', report('running'), 'Running', undefined],
    ['Running', report('terminating', { exitCode: 143 }), 'Running', undefined],
    ['Running', undefined, 'Running', undefined],
    ['Expired', FAILED, 'Expired', undefined],
    ['Pending', FAILED, 'Pending', undefined],
  ])('turns an object %s with the report %j into %s', (phase, reported, expected, exitCode) => {
    expect(withEnd(viewOfObject(object(phase)), reported)).toMatchObject({ phase: expected, exitCode });
  });

  it('leaves an object that has its end, or is being deleted, as it is', () => {
    const ended = viewOfObject(object('Failed', { exitCode: 7, reason: 'Error', message: 'its process ended' }));
    expect(withEnd(ended, FAILED)).toBe(ended);
    const deleted = object('Running');
    deleted.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(withEnd(viewOfObject(deleted), FAILED).phase).toBe('Terminating');
  });
});
