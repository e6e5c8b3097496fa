import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../../../..');
export const COMMAND = join(ROOT, 'bin/fsb-ctl');

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The bundled command in a home and a folder of its own, with nothing of the caller's environment but PATH. */
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

  run(args: readonly string[], stdin = ''): Promise<Ended> {
    return new Promise((done) => {
      const options = { cwd: this.folder, env: this.environment, timeout: 20_000 };
      const child = execFile(COMMAND, args, options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        done({ code, stdout, stderr });
      });
      child.stdin?.on('error', () => undefined); // it may end without reading
      child.stdin?.end(stdin);
    });
  }

  remove(): void {
    for (const path of [this.home, this.folder]) rmSync(path, { recursive: true, force: true });
  }
}
