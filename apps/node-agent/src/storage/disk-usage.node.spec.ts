import { execFileSync } from 'node:child_process';
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { exceeds, diskUsageOf } from './disk-usage';
import { entriesFor } from './storage-watch';

const MIB = 1024 * 1024;
const MANY = { bytes: 1024 * MIB, entries: 100_000 };

describe('usageOf', () => {
  let folder: string;

  beforeEach(() => (folder = mkdtempSync('/var/tmp/fsb-usage-')));
  afterEach(() => {
    execFileSync('rm', ['-rf', folder]); // removes paths of any length
  });

  const shell = (script: string): void => void execFileSync('/bin/bash', ['-c', script], { cwd: folder });

  it('counts allocated blocks: a file of two names once, a hole not, and follows no link', () => {
    writeFileSync(join(folder, 'one'), Buffer.alloc(MIB));
    linkSync(join(folder, 'one'), join(folder, 'again'));
    writeFileSync(join(folder, 'hole'), '');
    truncateSync(join(folder, 'hole'), 100 * MIB);
    symlinkSync('/usr', join(folder, 'link'));
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'sub/two'), Buffer.alloc(MIB));
    const { bytes, ...rest } = diskUsageOf(folder, MANY);
    expect(rest).toEqual({ entries: 6, tooDeep: false });
    expect(bytes).toBeGreaterThanOrEqual(2 * MIB);
    expect(bytes).toBeLessThan(2 * MIB + 64 * 1024);
  });

  it('counts files below names that are not UTF-8, and below a path that is too long for the kernel', () => {
    shell(String.raw`mkdir $'\xff\xfe'; head -c 1M /dev/zero > $'\xff\xfe/\xc0'`);
    shell(`n=$(printf 'n%.0s' {1..200}); for i in {1..50}; do mkdir $n; cd -P ./$n; done; head -c 1M /dev/zero > end`);
    const { bytes, entries, tooDeep } = diskUsageOf(folder, MANY);
    expect({ entries, tooDeep }).toEqual({ entries: 53, tooDeep: false });
    expect(bytes).toBeGreaterThanOrEqual(2 * MIB);
  });

  it('counts an unlinked file that a process holds once, and none in memory', () => {
    const open = (path: string): number => {
      const file = openSync(path, 'w');
      writeFileSync(file, Buffer.alloc(MIB));
      return file;
    };
    const held = [open(join(folder, 'gone')), openSync(join(folder, 'gone'), 'r'), open('/dev/shm/fsb-usage')];
    try {
      unlinkSync(join(folder, 'gone'));
      unlinkSync('/dev/shm/fsb-usage');
      expect(diskUsageOf(folder, MANY)).toEqual({ bytes: 0, entries: 0, tooDeep: false });
      const { bytes, entries } = diskUsageOf(folder, MANY, [process.pid]);
      expect(entries).toBe(1);
      expect(bytes).toBeGreaterThanOrEqual(MIB);
      expect(bytes).toBeLessThan(MIB + 64 * 1024);
    } finally {
      held.forEach(closeSync);
    }
  });

  it('reports folders that are nested too deeply to be counted', () => {
    shell('for i in {1..300}; do mkdir d; cd -P ./d; done');
    const usage = diskUsageOf(folder, MANY);
    expect(usage.tooDeep).toBe(true);
    expect(exceeds(usage, MANY)).toBe(true);
  });

  it.each([
    ['files', { bytes: MIB, entries: 100 }, 101],
    ['bytes', { bytes: 40_000, entries: 1000 }, 10],
  ])('stops as soon as there are too many %s', (_what, limits, entries) => {
    for (let i = 0; i < 500; i++) writeFileSync(join(folder, String(i)), limits.entries === 100 ? '' : 'x');
    const usage = diskUsageOf(folder, limits);
    expect(exceeds(usage, limits)).toBe(true);
    expect(usage.entries).toBe(entries);
  });

  it('is zero where the folder is gone', () => {
    rmSync(folder, { recursive: true });
    expect(diskUsageOf(folder, MANY)).toEqual({ bytes: 0, entries: 0, tooDeep: false });
  });
});

it.each([
  [1024, 10_000],
  [10 * 1024 * MIB, 655_360],
  [1024 * 1024 * MIB, 2_000_000],
])('entriesFor: %i bytes allow %i files', (bytes, entries) => {
  expect(entriesFor(bytes)).toBe(entries);
});
