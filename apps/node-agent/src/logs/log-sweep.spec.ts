import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { eventually } from '../../../../test/support/eventually';
import { Admission } from '../sandboxes/admission';
import { SandboxTable } from '../sandboxes/sandbox-table';
import { LogSweep, nextSweepMs } from './log-sweep';
import { SandboxLogs } from './sandbox-logs';

it.each([
  ['the full interval where no log grows', 0, 1000],
  ['the full interval where a log grows slowly', 1, 1000],
  ['half the time in which a log fills up', 500, 100],
  ['the least interval where a log fills up at once', 1e9, 50],
])('nextSweepMs: %s', (_what, bytesPerMs, expected) => {
  expect(nextSweepMs(bytesPerMs, { maxBytes: 100_000, everyMs: 1000 })).toBe(expected);
});

it.each<[string, Partial<AgentSandboxStatus>]>([
  ['ended with a code', { phase: 'failed', reason: 'Error', exitCode: 3 }],
  ['lost its shim, and has no code', { phase: 'failed', reason: 'ShimLost' }],
])('LogSweep leaves alone the log of a sandbox that %s, once it has been looked at', async (_what, end) => {
  const logs = new SandboxLogs(mkdtempSync('/var/tmp/fsb-sweep-'));
  const table = new SandboxTable(
    new Admission({ slots: 3, memoryBytes: undefined, storageBytes: undefined, reservedPorts: [] }),
  );
  const add = (sandboxId: string, more: Partial<AgentSandboxStatus>): void => {
    writeFileSync(logs.file(sandboxId), '');
    const named = { sandboxId, claimUid: '', claimName: sandboxId, namespace: 'default', image: 'busybox' };
    table.add({ ...named, ports: [], createdAt: 1, phase: 'running', ...more });
  };
  add('ended', { ...end, finishedAt: new Date(0).toISOString() });
  add('running', {});
  const sweep = new LogSweep(logs, table, { maxBytes: 4096, everyMs: 10 });
  sweep.onApplicationBootstrap();
  try {
    await sleep(500); // tens of sweeps
    for (const id of ['ended', 'running']) appendFileSync(logs.file(id), 'line\n'.repeat(20_000));
    await eventually(() => existsSync(`${logs.file('running')}.start`));
    await sleep(200);
    expect(existsSync(`${logs.file('ended')}.start`)).toBe(false); // nobody has looked
  } finally {
    sweep.onModuleDestroy();
    await sleep(100);
    rmSync(logs.folder, { recursive: true });
  }
});
