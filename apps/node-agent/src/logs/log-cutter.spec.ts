import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BLOCK_BYTES, LogCutter } from './log-cutter';

describe('LogCutter', () => {
  let folder: string | undefined;

  afterEach(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  it('loses no byte of a writer that never pauses, where the file system can cut', async () => {
    folder = mkdtempSync('/var/tmp/fsb-cut-');
    const file = join(folder, 'log');
    const script = 'i=0; while [ $i -lt 60000 ]; do echo $i; i=$((i+1)); done';
    const writer = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', openSync(file, 'a'), 'inherit'] });
    const ended = once(writer, 'exit');
    const cutter = new LogCutter();
    let pieces = 0;
    const parts: string[] = [];
    while (writer.exitCode === null || statSync(file).size > 2 * BLOCK_BYTES) {
      await new Promise(setImmediate);
      if (statSync(file).size <= 2 * BLOCK_BYTES) continue;
      expect(await cutter.move(file, join(folder, 'piece'), 2 * BLOCK_BYTES)).toBe(2 * BLOCK_BYTES);
      parts.push(readFileSync(join(folder, 'piece'), 'utf8'));
      pieces++;
    }
    await ended;
    const lines = (parts.join('') + readFileSync(file, 'utf8')).split('\n');
    expect(lines.slice(0, -1)).toEqual(Array.from({ length: 60_000 }, (_, i) => String(i)));
    expect(pieces).toBeGreaterThan(20);
  }, 60_000);

  it('copies and truncates elsewhere', async () => {
    folder = mkdtempSync('/dev/shm/fsb-cut-');
    const file = join(folder, 'log');
    const text = 'x'.repeat(3 * BLOCK_BYTES);
    writeFileSync(file, text);
    const cutter = new LogCutter();
    expect(await cutter.move(file, join(folder, 'piece'), BLOCK_BYTES)).toBe(text.length);
    expect(readFileSync(join(folder, 'piece'), 'utf8')).toBe(text);
    expect(statSync(file).size).toBe(0);
    writeFileSync(file, text);
    expect(await cutter.drop(file, BLOCK_BYTES)).toBe(0);
    expect(await cutter.move(file, join(folder, 'piece'), BLOCK_BYTES)).toBe(text.length);
  });
});
