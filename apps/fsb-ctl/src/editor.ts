import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { CommandError, usageError } from './command-error';
import type { SandboxFile } from './create-request';
import { parseSandboxFile } from './sandbox-file';

const TEMPLATE = `# The sandbox to create. Save and leave the editor; you are asked before anything is created.
image: busybox

# The pool of agents that it runs in.
pool_ref: default-pool

# Replaces the image's entrypoint; without it the image's own runs. \`args\` replaces the image's cmd.
command: ["/bin/sh", "-c", "while :; do date; sleep 1; done"]

# fast: the container is started first, its Kubernetes object written afterwards. strong: the object first.
# consistency_mode: fast
# exposed_ports: [8080]
# working_dir: /work
# envs:
#   NAME: value
# labels:
#   team: blue
# resources: { cpu: 500m, memory: 64Mi, pids: 100, ephemeral_storage: 1Gi }
`;

/**
 * Opens an editor on the sandbox file. The text last saved for each name is kept, valid or not.
 * @param editor shell command; absent: vim, on a terminal only
 * @throws CommandError without editor and terminal, when the editor fails (exit code 1), or when the text is invalid
 */
export function editSandbox(name: string, editor: string | undefined): SandboxFile {
  if (editor === undefined && !process.stdin.isTTY) {
    throw usageError('no image is named: give --image or --file, or run it in a terminal to use an editor');
  }
  const memory = join(homedir(), '.fsb-ctl/cache', `${name}.yaml`);
  const text = edited(existsSync(memory) ? readFileSync(memory, 'utf8') : TEMPLATE, editor ?? 'vim');
  keep(memory, text);
  try {
    return parseSandboxFile(text, 'the edited text');
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw usageError(`${error.message} (kept in ${memory}: the same command opens it again)`);
  }
}

/** Asks on stderr. Only y and yes confirm; any other line, and EOF, is no. */
export async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  process.stderr.write(`${question} [y/N] `);
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
  }
}

function edited(text: string, editor: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'fsb-sandbox-'));
  const file = join(folder, 'sandbox.yaml');
  try {
    writeFileSync(file, text, { mode: 0o600 });
    // through a shell, as git does: EDITOR may have arguments
    const { status } = spawnSync('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
    if (status !== 0) {
      const hint = status === 127 ? ': set EDITOR to one that is installed, or give --image or --file' : '';
      throw new CommandError(`the editor "${editor}" ended with ${status ?? 'a signal'}, nothing was created${hint}`);
    }
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes with mode 0600: variables may hold secrets. */
function keep(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
}
