import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { EndedLogs } from './ended-logs';
import { SandboxLogs } from './sandbox-logs';

/** One log and the least that a log counts, not two logs. */
const LIMIT = 192 * 1024;

describe('EndedLogs', () => {
  let logs: SandboxLogs;
  /** as of a restarted agent */
  const ended = (): EndedLogs => new EndedLogs(logs, { namespaceBytes: LIMIT, nodeBytes: LIMIT * 10 });

  beforeEach(() => {
    logs = new SandboxLogs(mkdtempSync('/var/tmp/fsb-ended-logs-'));
  });
  afterEach(() => {
    rmSync(logs.folder, { recursive: true });
  });

  /** Writes the files of a log of 100 kB. @returns its sandbox */
  function sandbox(sandboxId: string, second: number): AgentSandboxStatus {
    writeFileSync(logs.file(sandboxId), 'x'.repeat(100_000));
    writeFileSync(logs.indexFile(sandboxId), '');
    const finishedAt = new Date(second * 1000).toISOString();
    return {
      ...{ sandboxId, claimUid: `uid-${sandboxId}`, claimName: sandboxId, namespace: 'default', image: 'busybox' },
      ...{ ports: [], createdAt: 1, phase: 'terminating', exitCode: 0, finishedAt },
    };
  }

  it('names the limit that removed a log, also after its sandbox is kept again', async () => {
    const first = sandbox('first', 1);
    await ended().keep(first);
    await ended().keep(sandbox('second', 2));
    await ended().keep(first); // its removal was interrupted, and is repeated
    await expect(ended().require('first')).rejects.toMatchObject({ code: 'failed_precondition' });
    expect([logs.file('first'), logs.indexFile('first')].filter((file) => existsSync(file))).toEqual([]);
    await expect(ended().require('second')).resolves.toBeUndefined();
  });

  it('removes no log before its record gives the reason', async () => {
    await ended().keep(sandbox('first', 1));
    const next = `${logs.keptFile('first')}.new`;
    mkdirSync(next); // the record cannot be written
    await ended().keep(sandbox('second', 2));
    await expect(ended().require('first')).resolves.toBeUndefined();
    expect(readFileSync(logs.file('first'))).toHaveLength(100_000);
    rmSync(next, { recursive: true });
    await ended().keep(sandbox('third', 3));
    await expect(ended().require('first')).rejects.toMatchObject({ code: 'failed_precondition' });
    expect(existsSync(logs.file('first'))).toBe(false);
  });

  it('removes a log whose record was written before the agent was killed', async () => {
    await ended().keep(sandbox('first', 1));
    const record = JSON.parse(readFileSync(logs.keptFile('first'), 'utf8')) as object;
    const removed = { at: new Date(5000).toISOString(), limit: 'namespace', maxBytes: LIMIT };
    writeFileSync(logs.keptFile('first'), JSON.stringify({ ...record, removed }));
    await ended().keep(sandbox('second', 2));
    expect(existsSync(logs.file('first'))).toBe(false);
    await expect(ended().require('first')).rejects.toThrow(`went at ${removed.at}`);
  });
});
