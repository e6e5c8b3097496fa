import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '@fsb/component-base/package-root';
import { eventually } from '../../../../test/support/eventually';
import { LINE_BYTES, verify } from '../testing/log-verification';
import { type LogChunk, type WantedStreams } from './log-cursor';
import { LogReader } from './log-reader';
import { spansOf } from './log-turns';
import { SandboxLogs } from './sandbox-logs';

const PROGRAM = join(packageRoot(), 'bin/fsb-logger');
/** Lines of each stream; set 1,000,000 and more by hand. */
const LINES = Number(process.env['FSB_LOG_LINES'] ?? 600_000) / 2;
const MAX_BYTES = 1024 * 1024;
/** Prints numbered lines on both streams, in blocks that end in the middle of lines, as C programs do. */
const BOTH = `awk 'BEGIN { for (i = 0; i < ${LINES}; i++) {
  printf "%07d %048d\\n", i, i; printf "%07d %048d\\n", i, i > "/dev/stderr" } }'`;

const textOf = (chunks: readonly LogChunk[], stream: 'stdout' | 'stderr'): string =>
  Buffer.concat(
    chunks.flatMap(({ data, turns }) => spansOf(turns, 0, stream).map(({ from, until }) => data.subarray(from, until))),
  ).toString();
const merged = (chunks: readonly LogChunk[]): string => Buffer.concat(chunks.map(({ data }) => data)).toString();

describe('fsb-logger', () => {
  const id = 'id';
  let folder: string;
  let logs: SandboxLogs;
  let children: ChildProcess[];

  beforeEach(() => {
    folder = mkdtempSync('/var/tmp/fsb-logs-');
    logs = new SandboxLogs(folder);
    children = [];
    execFileSync('mkfifo', [join(folder, 'out'), join(folder, 'err')]);
  });
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  function start(script: string, log: string): ChildProcess {
    const stdio = ['ignore', 'ignore', 'inherit'] as const;
    const child = spawn('/bin/bash', ['-c', script, PROGRAM, log], { cwd: folder, stdio: [...stdio] });
    children.push(child);
    return child;
  }

  /** Starts the writer, as a shim does, and a process whose output it writes. */
  function run(script: string, log = logs.file(id)): { writer: ChildProcess; process: ChildProcess } {
    const process = start(`exec >out 2>err; ${script}`, log);
    return { process, writer: start('exec 3<out 4<err 5>/dev/null; exec "$0" "$1"', log) };
  }

  async function read(
    streams: WantedStreams,
    { tailLines, over, pauseMs = 0 }: { tailLines?: number; over?: Promise<unknown>; pauseMs?: number } = {},
  ): Promise<LogChunk[]> {
    const reader = new LogReader(logs, () => Promise.resolve(over).then(() => undefined));
    const query = { follow: over !== undefined, tailLines, streams };
    const chunks: LogChunk[] = [];
    for await (const chunk of reader.read(id, query, new AbortController().signal)) {
      chunks.push(chunk);
      if (pauseMs > 0) await sleep(pauseMs);
    }
    return chunks;
  }

  it(`gives each reader of ${LINES} lines of each stream every byte once, or names the hole, while the log is trimmed`, async () => {
    const { writer } = run(BOTH);
    const over = once(writer, 'exit');
    await eventually(() => statSync(logs.file(id), { throwIfNoEntry: false }) !== undefined);
    const sweeping = new AbortController();
    const sweep = (async () => {
      while (!sweeping.signal.aborted) {
        await logs.trim(id, MAX_BYTES);
        await sleep(5);
      }
    })();
    const readers = await Promise.all([
      read('apart', { over }),
      read('apart', { over, pauseMs: 20 }),
      read('stdout', { over }),
      read('stderr', { over, pauseMs: 20 }),
    ]);
    sweeping.abort();
    await sweep;
    expect(await over).toEqual([0, null]);
    const total = LINES * LINE_BYTES;
    const dropped = [readers[0], readers[1]].map((chunks) => [
      verify(textOf(chunks, 'stdout'), total),
      verify(textOf(chunks, 'stderr'), total),
    ]);
    verify(merged(readers[2]), total);
    expect(verify(merged(readers[3]), total)).toBeGreaterThan(0);
    expect(dropped[1]!.every((bytes) => bytes > 0)).toBe(true);
    expect(statSync(logs.file(id)).size).toBe(2 * total);
  }, 300_000);

  it('keeps the order of bytes, and has the last lines of each stream', async () => {
    const line = (text: string): string => `${text}; sleep 0.05; `;
    const { writer } = run(
      ['echo one', 'echo two >&2', 'printf "thr"', 'echo problem >&2', 'echo ee', 'printf end >&2'].map(line).join(''),
    );
    await once(writer, 'exit');
    const all = 'one\ntwo\nthrproblem\nee\nend';
    expect(readFileSync(logs.file(id), 'utf8')).toBe(all);
    expect(merged(await read('merged'))).toBe(all);
    expect(await read('apart')).toEqual([{ data: Buffer.from(all), turns: [4, 4, 3, 8, 3, 3] }]);
    expect(merged(await read('stdout'))).toBe('one\nthree\n');
    expect(merged(await read('stderr'))).toBe('two\nproblem\nend');
    expect(merged(await read('stderr', { tailLines: 2 }))).toBe('problem\nend');
    expect(merged(await read('stdout', { tailLines: 1 }))).toBe('three\n');
    expect(merged(await read('apart', { tailLines: 2 }))).toBe('ee\nend');
    expect(merged(await read('stdout', { tailLines: 0 }))).toBe('');
  });

  it('reads a log without an index as stdout', async () => {
    await once(run('echo one; echo two >&2').writer, 'exit');
    const text = readFileSync(logs.file(id), 'utf8');
    rmSync(logs.indexFile(id));
    expect(merged(await read('merged'))).toBe(text);
    expect(await read('apart')).toEqual([{ data: Buffer.from(text), turns: [8] }]);
    expect(await read('stderr')).toEqual([]);
  });

  it('does not split a line that is in the pipe', async () => {
    const line = `perl -e 'fcntl(STDOUT, 1031, 1 << 20) or die; print "x" x 300000, "\\n"'`; // F_SETPIPE_SZ
    const { writer, process } = run(`until [ -e go ]; do sleep 0.01; done; ${line}; echo problem >&2`);
    await eventually(() => existsSync(logs.indexFile(id)));
    writer.kill('SIGSTOP');
    writeFileSync(join(folder, 'go'), '');
    await once(process, 'exit');
    writer.kill('SIGCONT');
    await once(writer, 'exit');
    expect(merged(await read('merged'))).toBe(`${'x'.repeat(300_000)}\nproblem\n`);
  });

  it('ends at SIGTERM with all that was written, also where another process holds a pipe open', async () => {
    start('exec sleep 1000 >out 2>err', '');
    const { writer, process } = run('head -c 50000 /dev/zero; echo bye >&2');
    await once(process, 'exit');
    writer.kill('SIGTERM');
    expect(await once(writer, 'exit')).toEqual([0, null]);
    expect(statSync(logs.file(id)).size).toBe(50_004);
  });

  it('does not block on a process that reads its own output', async () => {
    const { writer } = run(
      'cat </dev/fd/1 >/dev/null & for i in 1 2 3 4 5 6 7 8 9; do echo line; sleep 0.01; echo problem >&2; done; kill $!',
    );
    await once(writer, 'exit');
    expect(merged(await read('stderr'))).toBe('problem\n'.repeat(9));
  });

  it('continues with the other stream where one is closed, and with children that outlive the process', async () => {
    const { writer, process } = run('exec >&-; (sleep 0.3; echo child >&2) & echo parent >&2');
    await once(process, 'exit');
    expect(await once(writer, 'exit')).toEqual([0, null]);
    expect(merged(await read('merged'))).toBe('parent\nchild\n');
  });

  it('has its index bounded where streams alternate at each byte', async () => {
    const maxBytes = 16 * 1024;
    const turns = 30_000;
    const { writer } = run(`i=0; while [ $i -lt ${turns} ]; do echo; echo >&2; i=$((i+1)); done`);
    await once(writer, 'exit');
    const used = (): number => statSync(logs.indexFile(id)).blocks * 512;
    expect(used()).toBeGreaterThan(8 * maxBytes);
    await logs.trim(id, maxBytes);
    expect(used()).toBeLessThanOrEqual(4 * maxBytes + 8192);
    const text = merged(await read('apart'));
    expect(text).toMatch(/^(--- fast-sandbox: \d+ bytes dropped: .* ---\n){2}\n+$/);
    const sizes = await Promise.all(
      (['stdout', 'stderr'] as const).map(async (stream) => {
        const [, dropped, kept] = /^--- fast-sandbox: (\d+) .* ---\n(\n+)$/.exec(merged(await read(stream)))!;
        return Number(dropped) + kept!.length;
      }),
    );
    expect(sizes).toEqual([turns, turns]);
  }, 30_000);

  it('waits while the disk is full, and loses nothing', async () => {
    const small = mkdtempSync(join(folder, 'small-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'tmpfs', small]);
    try {
      writeFileSync(join(small, 'other'), Buffer.alloc(1_500_000));
      logs = new SandboxLogs(small);
      const { writer } = run('head -c 1000000 /dev/zero; echo problem >&2');
      const over = once(writer, 'exit').then(([code]) => code as number);
      const size = (): number => statSync(logs.file(id), { throwIfNoEntry: false })?.size ?? 0;
      await eventually(() => size() > 400_000);
      await sleep(500);
      expect(size()).toBeLessThan(600_000);
      expect(writer.exitCode).toBeNull();
      rmSync(join(small, 'other'));
      expect(await over).toBe(0);
      expect(size()).toBe(1_000_008);
      expect(merged(await read('stderr'))).toBe('problem\n');
      writeFileSync(join(small, 'other'), Buffer.alloc(900_000));
      const ended = run('head -c 1000000 /dev/zero', logs.file('second')); // and never gets it
      await eventually(() => statSync(join(small, 'second.log'), { throwIfNoEntry: false }) !== undefined);
      await sleep(300);
      const began = performance.now();
      ended.writer.kill('SIGTERM');
      expect((await once(ended.writer, 'exit'))[0]).toBe(1);
      expect(performance.now() - began).toBeLessThan(4000);
    } finally {
      for (const child of children) child.kill('SIGKILL');
      execFileSync('umount', ['--lazy', small]);
    }
  });

  it.each([[[]], [['/nowhere/id.log']], [[`/${'x'.repeat(5000)}`]]])('fails at once with args %j', async (args) => {
    const stdio = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe', 'pipe'] as const;
    const child = spawn(PROGRAM, args, { stdio: [...stdio] });
    expect((await once(child, 'exit'))[0]).not.toBe(0);
  });
});
