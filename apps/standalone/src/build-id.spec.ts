import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildId } from './build-id';

describe('buildId', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fsb-build-'));
  const root = join(folder, 'one');
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };

  beforeAll(() => {
    for (const path of ['dist/apps/a/main.js', 'dist/libs/b.js', 'bin/fsb-launcher', 'bin/fsb-logger'])
      write(path, path);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('is independent of folder, time and source maps', () => {
    const before = buildId(root);
    cpSync(root, join(folder, 'two'), { recursive: true });
    utimesSync(join(root, 'dist/libs/b.js'), 1, 1);
    write('dist/libs/b.js.map', '{}');
    expect(before).toMatch(/^[0-9a-f]{16}$/);
    expect([buildId(root), buildId(join(folder, 'two'))]).toEqual([before, before]);
  });

  it.each(['dist/apps/a/main.js', 'dist/apps/a/more.js', 'bin/fsb-launcher'])('changes with %s', (path) => {
    const before = buildId(root);
    write(path, 'changed');
    expect(buildId(root)).not.toBe(before);
  });
});
