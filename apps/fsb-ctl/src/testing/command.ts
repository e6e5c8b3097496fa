import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../../../..');
export const COMMAND = join(ROOT, 'bin/fsb-ctl');

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The bundled command with a home and a working folder of its own; of the caller's environment it has PATH alone. */
export class CommandLine {
  readonly home = mkdtempSync(join(tmpdir(), 'fsb-ctl-home-'));
  readonly folder = mkdtempSync(join(tmpdir(), 'fsb-ctl-cwd-'));
  env: Record<string, string> = {};

  static build(): void {
    execFileSync('node', [join(ROOT, 'scripts/bundle-cli.mjs')]);
  }

  get environment(): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '', HOME: this.home, FSB_INSECURE_PLAINTEXT: 'true', ...this.env };
  }

  run(args: readonly string[], stdin = ''): Promise<CommandResult> {
    return new Promise((done) => {
      const options = { cwd: this.folder, env: this.environment, timeout: 20_000 };
      const child = execFile(COMMAND, args, options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        done({ code, stdout, stderr });
      });
      child.stdin?.on('error', () => undefined); // EPIPE: the command may exit without reading stdin
      child.stdin?.end(stdin);
    });
  }

  remove(): void {
    for (const path of [this.home, this.folder]) rmSync(path, { recursive: true, force: true });
  }
}
