import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { microTime } from '@fsb/kit/times';
import { eventually } from '../../../../test/support/eventually';
import { type AuditEvent } from './audit-event';
import { AuditLog } from './audit-log';
import { openTarget, RotatingFile } from './audit-target';

const PADDING = 'x'.repeat(700);

function event(auditID: string): AuditEvent {
  const now = microTime(Date.now());
  return {
    ...{ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', auditID, stage: 'ResponseComplete' },
    ...{ requestURI: PADDING, verb: 'create', user: {}, sourceIPs: [], annotations: {} },
    ...{ requestReceivedTimestamp: now, stageTimestamp: now },
  };
}

const idsIn = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as AuditEvent).auditID);

describe('AuditLog', () => {
  let folder: string;
  let complaints: object[];
  const counts = { written: 0, lost: 0 };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fsb-audit-'));
    complaints = [];
    Object.assign(counts, { written: 0, lost: 0 });
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function logTo(path: string, maxBytes = 1024 * 1024, maxBackups = 3): Promise<AuditLog> {
    return new AuditLog({
      target: await RotatingFile.open(path, maxBytes, maxBackups),
      logger: { error: (line) => complaints.push(line) },
      metrics: { written: (events) => (counts.written += events), lost: (events) => (counts.lost += events) },
    });
  }

  it('appends a line per record within the flush interval, readable by its owner alone', async () => {
    const path = join(folder, 'audit.log');
    writeFileSync(path, `${JSON.stringify(event('before'))}\n`, { mode: 0o644 });
    const log = await logTo(path);
    log.record(event('one'));
    log.record(event('two'));
    await eventually(() => {
      expect(idsIn(path)).toEqual(['before', 'one', 'two']);
    }, 1_000);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    log.record(event('three'));
    await log.close(); // at once, not at the next flush
    expect(idsIn(path).at(-1)).toBe('three');
    expect(counts).toEqual({ written: 3, lost: 0 });
  });

  it('rotates at its maximum size, keeps the latest backups, and touches no other file', async () => {
    const path = join(folder, 'audit.log');
    writeFileSync(join(folder, 'audit-of-mine.log'), 'mine');
    const log = await logTo(path, 64 * 1024, 2);
    const ids = Array.from({ length: 400 }, (_, index) => String(index)); // 0.9 KB each
    for (const id of ids) {
      log.record(event(id));
      if (Number(id) % 40 === 39) await eventually(() => expect(counts.written).toBe(Number(id) + 1), 1_000, 5);
    }
    await log.close();
    const backups = readdirSync(folder).filter((name) => /^audit-\d/.test(name));
    expect(backups).toHaveLength(2);
    const kept = [...backups.sort(), 'audit.log'].flatMap((name) => idsIn(join(folder, name)));
    expect(kept).toEqual(ids.slice(-kept.length));
    expect(kept.length).toBe(120);
    for (const name of backups) {
      const { size, mode } = statSync(join(folder, name));
      expect(size).toBeLessThanOrEqual(64 * 1024);
      expect(mode & 0o777).toBe(0o600);
    }
    expect(readFileSync(join(folder, 'audit-of-mine.log'), 'utf8')).toBe('mine');
  });

  it('keeps records while the disk is full, writes them later, and tears no line', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
    try {
      const path = join(folder, 'audit.log');
      const log = await logTo(path);
      const ids = Array.from({ length: 200 }, (_, index) => String(index)); // 180 KB
      for (const id of ids) log.record(event(id));
      await eventually(() => {
        expect(complaints).toEqual([expect.objectContaining({ why: expect.stringContaining('ENOSPC') as string })]);
      }, 3_000);
      execFileSync('mount', ['-o', 'remount,size=1m', folder]);
      await eventually(() => {
        expect(idsIn(path)).toEqual(ids);
      }, 3_000);
      await log.close();
      expect(counts).toEqual({ written: 200, lost: 0 });
    } finally {
      execFileSync('umount', [folder]);
    }
  });

  it('blocks no caller behind a stuck reader: drops, counts and logs what exceeds the queue', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = createReadStream(path);
    const log = await logTo(path);
    // a blocking record() would never return: nothing reads before this loop has ended
    for (let index = 0; index < 12_000; index++) log.record(event(String(index)));
    expect(counts.lost).toBe(2_000);
    expect(complaints).toEqual([expect.objectContaining({ why: 'the audit log is slower than the calls' })]);
    const ids: string[] = [];
    const lines = createInterface(reader);
    lines.on('line', (line) => ids.push((JSON.parse(line) as AuditEvent).auditID));
    const read = new Promise((done) => lines.once('close', done));
    await eventually(() => {
      expect(counts.written).toBe(10_000);
    }, 10_000);
    await log.close();
    await read;
    expect(ids).toEqual(Array.from({ length: 10_000 }, (_, index) => String(index)));
  });

  it('close: ends within two seconds on a full disk, and counts what is lost', async () => {
    const log = await logTo('/dev/full', Infinity);
    log.record(event('lost'));
    const started = performance.now();
    await log.close();
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(counts).toEqual({ written: 0, lost: 1 });
  });

  it('openTarget: fails for a path that cannot be written', async () => {
    const flags = { auditLogMaxsize: 1, auditLogMaxbackup: 1 };
    await expect(openTarget({ ...flags, auditLogPath: join(folder, 'absent/audit.log') })).rejects.toThrow('ENOENT');
  });
});
