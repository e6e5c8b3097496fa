import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Block, blocksOf } from './readme-blocks';

const ROOT = resolve(__dirname, '../..');
const BLOCK_MS = 240_000;
const QUICKSTART_MS = 600_000;

/** Reasons why a block does not run here; they appear in its title. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  cluster: 'needs a cluster: what it does is part of make test-cluster',
  registry: 'needs a registry',
};

/** A reader's shell: folder and variables persist from one block to the next. */
class Terminal {
  private readonly folder = mkdtempSync(join(tmpdir(), 'fsb-readme-'));
  private readonly state = join(this.folder, 'state');

  constructor() {
    writeFileSync(this.state, `cd ${ROOT}\n`);
  }

  /** @returns its output @throws Error with the output when a command fails */
  async type(code: string, limitMs: number): Promise<string> {
    const script = `. ${this.state}\nset -e\n${code}\nset +e\n{ export -p; echo "cd '$PWD'"; } >${this.state}\n`;
    const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => (printed += data.toString()));
    const status = await new Promise<number | NodeJS.Signals | null>((done) => {
      child.on('close', (exitCode, signal) => done(exitCode ?? signal));
    });
    if (status !== 0) throw new Error(`ended with ${String(status)}:\n${printed}`);
    return printed;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('README.md', () => {
  const blocks = blocksOf(readFileSync(join(ROOT, 'README.md'), 'utf8'));
  const terminal = new Terminal();
  const file = async ({ mark, code }: Block): Promise<void> => {
    const folder = (await terminal.type('pwd', BLOCK_MS)).trim();
    writeFileSync(join(folder, mark.replace(/^file /, '')), code);
  };

  afterAll(async () => {
    await terminal.type(`make -C ${ROOT} -s down`, BLOCK_MS);
    terminal.remove();
    rmSync('/tmp/fsb-client', { recursive: true, force: true });
  }, BLOCK_MS);

  it('has no code block that no test runs', () => {
    const known = /^(quickstart|cluster|registry|file [\w.-]+)?$/;
    for (const { language, mark, line } of blocks) {
      expect({ line, mark }).toEqual({ line, mark: expect.stringMatching(known) as string });
      if (!['sh', 'mermaid'].includes(language))
        expect({ line, mark }).toMatchObject({ mark: /^file /.exec(mark)?.input });
    }
  });

  for (const block of blocks) {
    const name = `line ${block.line}: ${block.code.split('\n')[0] ?? ''}`;
    const why = ELSEWHERE[block.mark];
    if (block.language === 'mermaid') continue;
    if (why !== undefined) it.skip(`${name} (${why})`, () => undefined);
    else if (block.mark.startsWith('file ')) it(name, () => file(block), BLOCK_MS);
    else if (block.mark === 'quickstart') {
      // quickstart only: make test runs elsewhere and takes far longer
      it(name, () => terminal.type('make quickstart', QUICKSTART_MS).then(() => undefined), QUICKSTART_MS);
    } else it(name, () => terminal.type(block.code, BLOCK_MS).then(() => undefined), BLOCK_MS);
  }
});
