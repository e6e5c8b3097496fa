import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { freePort } from '../../../../test/support/free-port';
import { eventually } from '../../../../test/support/eventually';
import { files, layoutOf } from '../layout';
import { probe, type ProbeOptions } from '../probe';
import { isAlive, type ProcessIdentity } from '../process-identity';
import { writeJson } from '../state-file';
import { readRecord } from './process-record';
import { SupervisedProcess } from './supervised-process';
import { lockSupervisor, runningSupervisor, unlockSupervisor } from './supervisor-lock';

const logger = pino({ level: 'silent' });

describe('SupervisedProcess', () => {
  const layout = layoutOf(mkdtempSync(join(tmpdir(), 'fsb-supervisor-')));
  const started: SupervisedProcess[] = [];

  afterAll(async () => {
    for (const process_ of started) await process_.stop();
    rmSync(layout.root ?? '', { recursive: true, force: true });
  });

  const supervise = async (seconds: string, build?: string): Promise<SupervisedProcess> => {
    const command = ['/bin/sh', '-c', `echo started; exec sleep ${seconds}`];
    const health = (): Promise<undefined> => Promise.resolve(undefined);
    const own = build === undefined ? {} : { build };
    const definition = { name: 'sleeper', command, ...own, env: {}, graceMs: 2000, health };
    const process_ = new SupervisedProcess(layout, definition, logger);
    await process_.start();
    started.push(process_);
    return process_;
  };
  const current = (): ProcessIdentity => readRecord(layout, 'sleeper')!.process;

  it('restarts a killed process and counts the restart', async () => {
    await supervise('1001');
    const first = current();
    process.kill(first.pid, 'SIGKILL');
    await eventually(() => current().pid !== first.pid && isAlive(current()));
    expect(isAlive(first)).toBe(false);
    expect(readRecord(layout, 'sleeper')).toMatchObject({ restarts: 1, lastEnd: 'killed by SIGKILL' });
    // the second process may run before it has written its line
    await eventually(() =>
      expect(readFileSync(files.serviceLog(layout, 'sleeper'), 'utf8')).toBe('started\nstarted\n'),
    );
  });

  it('adopts the process of an earlier supervisor, and restarts it', async () => {
    await started[0]!.release();
    const before = current();
    await supervise('1001');
    expect(current()).toEqual(before);
    process.kill(before.pid, 'SIGKILL');
    await eventually(() => current().pid !== before.pid && isAlive(current()));
  });

  it('restarts a process whose settings have changed', async () => {
    await started[1]!.release();
    const before = current();
    await supervise('1002');
    expect(isAlive(before)).toBe(false);
    expect(isAlive(current())).toBe(true);
  });

  it('restarts a process whose build has changed', async () => {
    await started[2]!.release();
    const before = current();
    await supervise('1002', 'a-build');
    expect(isAlive(before)).toBe(false);
    await started[3]!.release();
    const same = current();
    await supervise('1002', 'a-build');
    expect(current()).toEqual(same);
  });

  it('stop: leaves neither process nor record', async () => {
    const before = current();
    await started[4]!.stop();
    expect(isAlive(before)).toBe(false);
    expect(readRecord(layout, 'sleeper')).toBeUndefined();
  });

  it('restarts a process that stands still, with the load of the machine in the reason', async () => {
    const port = await freePort();
    const server = `require('node:http').createServer((_, answer) => answer.end('ok')).listen(${port}, '127.0.0.1')`;
    const alive = (limits: ProbeOptions): Promise<string | undefined> => probe(`http://127.0.0.1:${port}/`, limits);
    const command = [process.execPath, '-e', server];
    const definition = { name: 'server', command, env: {}, graceMs: 2000, health: () => alive({}), alive };
    const supervised = new SupervisedProcess(layout, definition, logger, { everyMs: 500, misses: 3, startMs: 10_000 });
    await supervised.start();
    started.push(supervised);
    await eventually(async () => (await alive({})) === undefined, 20_000);
    const first = readRecord(layout, 'server')!;
    // past startMs, as if it had answered for a minute
    writeJson(files.process(layout, 'server'), { ...first, startedAt: first.startedAt - 60_000 });
    await supervised.release();
    const next = new SupervisedProcess(layout, definition, logger, { everyMs: 500, misses: 3, startMs: 10_000 });
    await next.start();
    started.push(next);
    process.kill(first.process.pid, 'SIGSTOP');
    const second = await eventually(() => {
      const record = readRecord(layout, 'server')!;
      return record.restarts === 1 && record;
    }, 20_000);
    expect(isAlive(first.process)).toBe(false);
    expect(second.lastEnd).toMatch(
      /^no answer to 3 probes of 0\.5 s in a row \(no answer in 0\.5 s\); load [\d.]+, [\d.]+, [\d.]+ .* processors$/,
    );
    await eventually(async () => (await alive({})) === undefined, 20_000);
  }, 60_000);

  it('lockSupervisor: allows one supervisor per root', () => {
    lockSupervisor(layout);
    expect(runningSupervisor(layout)?.pid).toBe(process.pid);
    expect(() => lockSupervisor(layout)).toThrow(/runs already/);
    unlockSupervisor(layout);
    expect(runningSupervisor(layout)).toBeUndefined();
  });
});
