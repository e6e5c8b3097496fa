import { execFile } from 'node:child_process';

/** Far above the longest command here; a first start on two busy cores takes half of it. */
const COMMAND_MS = 120_000;
const MAX_OUTPUT = 64 * 1024 * 1024;

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @throws Error with the output when the exit code is not 0 */
export async function checked(command: string, args: readonly string[], options: Options = {}): Promise<string> {
  const { code, stdout, stderr } = await attempt(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

interface Options {
  readonly stdin?: string;
  /** variables beside those of this process */
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
}

export function attempt(command: string, args: readonly string[], options: Options = {}): Promise<Answer> {
  const { stdin = '', env = {}, timeoutMs = COMMAND_MS } = options;
  const settings = { timeout: timeoutMs, maxBuffer: MAX_OUTPUT, env: { ...process.env, ...env } };
  return new Promise((done) => {
    const child = execFile(command, args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ code, stdout, stderr });
    });
    child.stdin?.on('error', () => undefined); // EPIPE: it may end without reading
    child.stdin?.end(stdin);
  });
}
