import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FOLDER = resolve(__dirname, '../../.cache/kubectl-1.20');

/**
 * Downloads Debian's kubectl, the oldest supported one, and unpacks it below .cache; it is never installed. @returns
 * its path
 */
export function oldKubectl(): string {
  const path = join(FOLDER, 'usr/bin/kubectl');
  if (existsSync(path)) return path;
  const making = `${FOLDER}-${process.pid}`;
  mkdirSync(making, { recursive: true });
  execFileSync('apt-get', ['-qq', 'download', 'kubernetes-client'], { cwd: making, stdio: 'ignore' });
  const [file] = readdirSync(making).filter((name) => name.endsWith('.deb'));
  if (file === undefined) throw new Error('apt-get download kubernetes-client brought no package');
  execFileSync('dpkg', ['-x', file, '.'], { cwd: making });
  rmSync(join(making, file));
  rmSync(FOLDER, { recursive: true, force: true });
  renameSync(making, FOLDER); // atomic
  return path;
}
