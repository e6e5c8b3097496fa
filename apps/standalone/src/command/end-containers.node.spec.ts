import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appEntry, files, layoutOf } from '../layout';
import { saveChoice } from '../supervisor/choice';
import { countSandboxes } from './end-containers';

describe('countSandboxes', () => {
  const layout = layoutOf(mkdtempSync(join(tmpdir(), 'fsb-count-')));
  const socket = join(layout.run, 'containerd.sock');
  const choose = (isPrivate: boolean): void =>
    saveChoice(layout, { containerd: { private: isPrivate, socket, root: '', reason: '' }, subnet: '' });

  beforeAll(() => {
    for (const folder of [layout.state, layout.run]) mkdirSync(folder, { recursive: true });
  });
  afterEach(() => rmSync(socket, { force: true }));
  afterAll(() => rmSync(layout.root ?? '', { recursive: true, force: true }));

  it('is 0 where no containerd was chosen, or a private one has ended with its shims', async () => {
    expect(await countSandboxes(layoutOf('/nowhere'), 'id')).toBe(0);
    choose(true);
    expect(await countSandboxes(layout, 'id')).toBe(0);
  });

  it('is unknown where a shared containerd is out of reach: its sandboxes run on', async () => {
    choose(false);
    expect(await countSandboxes(layout, 'id')).toBeUndefined();
    writeFileSync(socket, ''); // refuses connections
    expect(await countSandboxes(layout, 'id')).toBeUndefined();
  });
});

it('down: says why the private containerd cannot be started to remove what is left', async () => {
  const layout = layoutOf(mkdtempSync(join(tmpdir(), 'fsb-down-')));
  for (const folder of [layout.state, layout.run]) mkdirSync(folder, { recursive: true });
  const containerd = { private: true, socket: files.containerdSocket(layout), root: '', reason: '' };
  saveChoice(layout, { containerd, subnet: '' });
  writeFileSync(files.containerdConfig(layout), '');
  const args = [appEntry('standalone'), 'down', '--root', layout.root ?? ''];
  const ended = await new Promise<{ failed: boolean; stdout: string; stderr: string }>((done) => {
    execFile(process.execPath, args, { env: { PATH: '/nowhere' } }, (error, stdout, stderr) => {
      done({ failed: error !== null, stdout, stderr });
    });
  });
  expect(ended.stdout).toContain('sandboxes: failed, spawn unshare ENOENT');
  expect(ended).toMatchObject({ failed: true, stderr: 'not everything has ended (sandboxes); run down again\n' });
  rmSync(layout.root ?? '', { recursive: true, force: true });
});
