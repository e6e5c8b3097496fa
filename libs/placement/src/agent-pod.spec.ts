import { type Pod } from '@fsb/controller-runtime/kinds';
import { readAgentPod } from './agent-pod';

const owner = { apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'SandboxPool', name: 'p', uid: 'u', controller: true };
const labels = { app: 'sandbox-agent', 'fast-sandbox.io/pool': 'p' };
const pod = (metadata: Partial<Pod['metadata']> = {}, status: Pod['status'] = {}): Pod => ({
  metadata: { name: 'a', namespace: 'ns', uid: 'u-1', labels, ownerReferences: [owner], ...metadata },
  spec: { nodeName: 'node', containers: [] },
  status: { phase: 'Running', podIP: '10.0.0.1', ...status },
});

describe('agentPod', () => {
  it('reads the Pod of an agent', () => {
    expect(readAgentPod(pod())).toEqual({
      ...{ id: 'ns/a', namespace: 'ns', name: 'a', uid: 'u-1', pool: 'p', poolUid: 'u', nodeName: 'node' },
      ...{ address: '10.0.0.1', starting: false, terminating: false },
    });
    expect(readAgentPod(pod({ deletionTimestamp: '2026-01-01T00:00:00Z' }))?.terminating).toBe(true);
    expect(readAgentPod(pod({}, { phase: 'Pending' }))).toMatchObject({ address: undefined, starting: true });
    expect(readAgentPod(pod({}, { phase: 'Failed' }))).toMatchObject({ address: undefined, starting: false });
  });

  it.each([
    ['without an owner', { ownerReferences: [] }],
    ['of an owner that does not control it', { ownerReferences: [{ ...owner, controller: false }] }],
    ['of another kind', { ownerReferences: [{ ...owner, kind: 'ReplicaSet' }] }],
    ['of another group', { ownerReferences: [{ ...owner, apiVersion: 'apps/v1' }] }],
    ['of another pool than its label says', { labels: { ...labels, 'fast-sandbox.io/pool': 'q' } }],
    ['without the app label', { labels: { 'fast-sandbox.io/pool': 'p' } }],
  ])('rejects a Pod %s', (_what, metadata) => {
    expect(readAgentPod(pod(metadata))).toBeUndefined();
  });
});
