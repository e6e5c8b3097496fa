import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { Admission } from './admission';
import { CREATE_FAILED } from './sandbox-status';
import { SandboxTable } from './sandbox-table';

const CREATING: AgentSandboxStatus = {
  ...{ sandboxId: 'a', claimUid: '', claimName: 'n', namespace: 'default', image: 'busybox' },
  ...{ ports: [], createdAt: 1, phase: 'creating' },
};

describe('SandboxTable.untilEnded', () => {
  const table = (): SandboxTable =>
    new SandboxTable(new Admission({ slots: 3, memoryBytes: undefined, storageBytes: undefined, reservedPorts: [] }));
  const never = new AbortController().signal;

  it.each<[string, Partial<AgentSandboxStatus>[]]>([
    ['its create failed', []],
    ['its create failed and the container that it left was ended', [{ phase: 'terminating', message: CREATE_FAILED }]],
  ])('rejects where %s, since the sandbox may be made elsewhere', async (_what, changes) => {
    const sandboxes = table();
    sandboxes.add(CREATING);
    const ended = sandboxes.untilEnded('a', never);
    for (const change of changes) sandboxes.update('a', change);
    sandboxes.remove('a');
    await expect(ended).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each<[string, Partial<AgentSandboxStatus>[]]>([
    ['ran', [{ phase: 'running' }]],
    ['was deleted while it ran', [{ phase: 'running' }, { phase: 'terminating' }]],
    ['was deleted while it was made', [{ phase: 'terminating' }]],
  ])('resolves with the removal of a sandbox that %s', async (_what, changes) => {
    const sandboxes = table();
    sandboxes.add(CREATING);
    const ended = sandboxes.untilEnded('a', never);
    for (const change of changes) sandboxes.update('a', change);
    sandboxes.remove('a');
    expect(await ended).toBeUndefined();
  });

  it('resolves with the outcome, and at once for an unknown sandbox', async () => {
    const sandboxes = table();
    expect(await sandboxes.untilEnded('a', never)).toBeUndefined();
    sandboxes.add({ ...CREATING, phase: 'running' });
    const ended = sandboxes.untilEnded('a', never);
    sandboxes.update('a', { phase: 'failed', exitCode: 7, reason: 'Error' });
    expect(await ended).toMatchObject({ exitCode: 7 });
  });
});
