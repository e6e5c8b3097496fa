import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireFreeFront } from './front-of-file';
import { LINE_BYTES, lineOf, verify } from '../testing/log-verification';
import { LogReader } from './log-reader';
import { SandboxLogs } from './sandbox-logs';

/** Set 1,000,000 and more by hand. */
const LINES = Number(process.env['FSB_LOG_LINES'] ?? 600_000);
const MAX_BYTES = 1024 * 1024;

describe('SandboxLogs', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync('/var/tmp/fsb-logs-');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it(`gives each reader of ${LINES} lines every byte once, or names the hole, while the log is trimmed`, async () => {
    const id = 'busy';
    let logs = new SandboxLogs(folder);
    const program = `BEGIN { for (i = 0; i < ${LINES}; i++) printf "%07d %048d\\n", i, i }`;
    const out = openSync(logs.file(id), 'a');
    const writer = spawn('awk', [program], { stdio: ['ignore', out, 'inherit'] });
    closeSync(out);
    const written = once(writer, 'exit');
    const over = async (): Promise<undefined> => {
      await written;
      return undefined;
    };
    const dying = new AbortController();
    const sweeping = new AbortController();
    let trims = 0;
    const sweep = async (): Promise<void> => {
      let before = -1;
      while (!sweeping.signal.aborted) {
        await logs.trim(id, MAX_BYTES);
        const start = Number(readFileSyncIfThere(`${logs.file(id)}.start`));
        if (start !== before) trims++;
        before = start;
        await sleep(5);
      }
    };
    const sweeper = sweep();
    const read = async (of: SandboxLogs, pauseMs: number, signal = sweeping.signal): Promise<string> => {
      const parts: Buffer[] = [];
      const reader = new LogReader(of, over);
      const query = { follow: true, tailLines: undefined, streams: 'merged' } as const;
      for await (const { data } of reader.read(id, query, signal)) {
        parts.push(data);
        if (pauseMs > 0) await sleep(pauseMs);
      }
      return Buffer.concat(parts).toString();
    };
    const total = LINES * LINE_BYTES;
    const sizeIs = async (bytes: number): Promise<void> => {
      while (statSync(logs.file(id)).size < bytes) await sleep(1);
    };
    // a reader of an agent that ends meanwhile is aborted
    const cutOff = read(logs, 0, dying.signal).catch((error: unknown) => error);
    await sizeIs(total / 6);
    dying.abort();
    expect(await cutOff).toMatchObject({ name: 'AbortError' });
    logs = new SandboxLogs(folder); // the restarted agent
    const early = [read(logs, 0), read(logs, 0), read(logs, 20)];
    await sizeIs(total / 2);
    const late = [read(logs, 0), read(logs, 5)];
    const texts = await Promise.all([...early, ...late]);
    expect(writer.exitCode).toBe(0);
    const dropped = texts.map((text) => verify(text, total));
    sweeping.abort();
    await sweeper;
    expect(trims).toBeGreaterThan(3);
    expect(Math.max(...dropped)).toBeGreaterThan(0);
    await logs.trim(id, MAX_BYTES);
    expect(statSync(logs.file(id)).blocks * 512).toBeLessThanOrEqual(4 * MAX_BYTES + 8192);
  }, 300_000);

  it('trims up to a line, also after a crash between its two steps, and counts the rest as dropped', async () => {
    const logs = new SandboxLogs(folder);
    const text = Array.from({ length: 1000 }, (_, i) => lineOf(i)).join('');
    writeFileSync(logs.file('id'), text);
    expect(await logs.trim('id', 4096)).toBe(text.length);
    const { size, blocks } = statSync(logs.file('id'));
    expect(size).toBe(text.length);
    expect(blocks * 512).toBeLessThanOrEqual(5 * 4096);
    const read = async (of: SandboxLogs, tailLines?: number): Promise<string> => {
      const parts: Buffer[] = [];
      const reader = new LogReader(of, () => Promise.resolve(undefined));
      const query = { follow: false, tailLines, streams: 'merged' } as const;
      for await (const { data } of reader.read('id', query, new AbortController().signal)) {
        parts.push(data);
      }
      return Buffer.concat(parts).toString();
    };
    const whole = await read(logs);
    const dropped = verify(whole, text.length);
    expect(dropped % LINE_BYTES).toBe(0);
    expect(text.length - dropped).toBeGreaterThan(2 * 4096);
    const kept = whole.slice(whole.indexOf('\n') + 1);
    expect(await read(new SandboxLogs(folder))).toBe(whole);
    expect(await read(logs, 3)).toBe(text.split('\n').slice(-4).join('\n'));
    expect(await read(logs, 0)).toBe('');
    expect(await read(logs, 1000)).toBe(whole); // fewer lines are kept
    const keptLines = kept.split('\n').length - 1;
    expect(await read(logs, keptLines)).toBe(kept);
    appendFileSync(logs.file('id'), 'unfinished');
    expect(await read(logs, 1)).toBe('unfinished');
    expect(await read(logs, 2)).toBe(`${lineOf(999)}unfinished`);
    writeFileSync(`${logs.file('id')}.start`, String(57 * 900)); // as if the agent had ended before it punched the hole
    expect(await read(new SandboxLogs(folder))).toContain(` ${57 * 900} bytes dropped: `);
  });

  it('cuts a line only where it is longer than the limit', async () => {
    const logs = new SandboxLogs(folder);
    writeFileSync(logs.file('id'), 'x'.repeat(100_000));
    await logs.trim('id', 4096);
    expect(readFileSync(`${logs.file('id')}.start`, 'utf8')).toBe(String(100_000 - 3 * 4096));
  });

  it('lets a reader finish whose log is removed meanwhile', async () => {
    const logs = new SandboxLogs(folder);
    writeFileSync(logs.file('id'), 'x'.repeat(1_000_000));
    const log = await logs.open('id');
    await logs.remove('id');
    let got = 0;
    for (let data; (data = (await log!.read(got, Infinity)).data).length > 0;) got += data.length;
    expect(got).toBe(1_000_000);
    await log![Symbol.asyncDispose]();
    expect(await logs.open('id')).toBeUndefined();
  });

  it.each(['/var/tmp', '/dev/shm'])('accepts the file system of %s', async (where) => {
    const place = mkdtempSync(join(where, 'fsb-logs-'));
    try {
      await expect(requireFreeFront(place)).resolves.toBeUndefined();
    } finally {
      rmSync(place, { recursive: true });
    }
  });

  it('refuses a file system without holes, naming --log-dir', async () => {
    execFileSync('mount', ['-t', 'ramfs', 'ramfs', folder]);
    try {
      await expect(requireFreeFront(folder)).rejects.toThrow(/--log-dir .* use ext4, xfs, btrfs or tmpfs/);
    } finally {
      execFileSync('umount', [folder]);
    }
  });
});

function readFileSyncIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '0';
  }
}
