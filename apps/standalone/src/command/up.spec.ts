import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layoutOf } from '../layout';
import { up } from './up';

describe('up', () => {
  const layout = layoutOf(mkdtempSync(join(tmpdir(), 'fsb-up-')));
  const node = process.execPath;
  afterEach(() => {
    process.execPath = node;
  });
  afterAll(() => rmSync(layout.root ?? '', { recursive: true, force: true }));

  it('fails with the reason when the supervisor cannot be started', async () => {
    process.execPath = '/nowhere/node';
    await expect(up(layout, {})).rejects.toThrow('spawn /nowhere/node ENOENT');
  });

  it('does not wait for a supervisor that has ended', async () => {
    process.execPath = '/bin/false';
    expect(await up(layout, {})).toBe(1);
  });
});
