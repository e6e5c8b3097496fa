import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandLine, type CommandResult } from './testing/command';
import { RecordingGateway } from './testing/recording-gateway';

const gateway = new RecordingGateway();
let endpoint: string;
let line: CommandLine;

beforeAll(async () => {
  CommandLine.build();
  endpoint = await gateway.start();
});
beforeEach(() => {
  gateway.reset();
  line = new CommandLine();
  line.env = { TMPDIR: line.folder };
});
afterEach(() => line.remove());
afterAll(() => gateway.stop());

const run = (stdin: string): Promise<CommandResult> => line.run(['--endpoint', endpoint, 'run', 'web'], stdin);
const memory = (): string => join(line.home, '.fsb-ctl/cache/web.yaml');

/** An editor that keeps a copy of the text it opens, and writes `text` instead. */
function editorThatWrites(text: string): void {
  const script = join(line.folder, 'an editor.sh');
  writeFileSync(join(line.folder, 'text'), text);
  writeFileSync(
    script,
    `#!/bin/sh\ncp "$2" "${line.folder}/shown"\nstat -c %a "$2" > "${line.folder}/mode"\ncp "${line.folder}/text" "$2"\n`,
  );
  chmodSync(script, 0o755);
  line.env['EDITOR'] = `"${script}" --wait`;
}

const shown = (): string => readFileSync(join(line.folder, 'shown'), 'utf8');

describe('fsb-ctl run with neither image nor file', () => {
  it('opens a template, asks, creates, and keeps the text with mode 0600', async () => {
    editorThatWrites('image: alpine\nenvs: { PASSWORD: secret }\n');
    const { code, stdout, stderr } = await run('y\n');
    expect(code).toBe(0);
    expect(stderr).toBe('Create sandbox web of image alpine in namespace default? [y/N] ');
    expect(stdout).toContain('Sandbox created successfully');
    expect(gateway.received).toMatchObject([{ request: { image: 'alpine', envs: { PASSWORD: 'secret' } } }]);
    expect(shown()).toContain('image: busybox');
    expect(readFileSync(memory(), 'utf8')).toBe('image: alpine\nenvs: { PASSWORD: secret }\n');
    expect(statSync(memory()).mode & 0o777).toBe(0o600);
    expect(statSync(join(memory(), '..')).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(line.folder, 'mode'), 'utf8')).toBe('600\n');
    expect(readdirSync(line.folder).filter((name) => name.startsWith('fsb-sandbox-'))).toEqual([]);
  });

  it('opens a template that is valid as it is', async () => {
    line.env['EDITOR'] = 'true';
    await run('y\n');
    expect(gateway.received).toMatchObject([
      { request: { image: 'busybox', poolRef: 'default-pool', command: ['/bin/sh', '-c', expect.any(String)] } },
    ]);
  });

  it('opens the text last saved for the name; flags win over it', async () => {
    editorThatWrites('image: first\n');
    await run('y\n');
    editorThatWrites('image: second\n');
    await line.run(['--endpoint', endpoint, 'run', 'web', '--pool', 'other'], 'yes\n');
    expect(shown()).toBe('image: first\n');
    expect(gateway.received[1]).toMatchObject({ request: { image: 'second', poolRef: 'other' } });
  });

  it.each(['n\n', '\n', '', 'yesterday\n'])('creates nothing on the answer %j, and keeps the text', async (answer) => {
    editorThatWrites('image: alpine\n');
    const { code, stderr } = await run(answer);
    expect(code).toBe(1);
    expect(stderr).toContain('error: nothing was created');
    expect(gateway.received).toEqual([]);
    expect(readFileSync(memory(), 'utf8')).toBe('image: alpine\n');
  });

  it('keeps an invalid text for correction', async () => {
    editorThatWrites('image: alpine\nimagee: x\n');
    const { code, stderr } = await run('y\n');
    expect(code).toBe(2);
    expect(stderr).toContain('the edited text: unknown key "imagee"');
    expect(stderr).toContain(`kept in ${memory()}`);
    expect(readFileSync(memory(), 'utf8')).toContain('imagee');
    expect(gateway.received).toEqual([]);
  });

  it.each([
    ['false', 'the editor "false" ended with 1, nothing was created'],
    ['no-such-editor', 'set EDITOR to one that is installed'],
  ])('creates nothing when the editor %s fails', async (editor, reason) => {
    line.env['EDITOR'] = editor;
    const { code, stderr } = await run('y\n');
    expect(code).toBe(1);
    expect(stderr).toContain(reason);
    expect(gateway.received).toEqual([]);
    expect(existsSync(memory())).toBe(false);
  });

  it('starts no editor without EDITOR and a terminal', async () => {
    const { code, stderr } = await run('');
    expect(code).toBe(2);
    expect(stderr).toBe('error: no image is named: give --image or --file, or run it in a terminal to use an editor\n');
  });
});
