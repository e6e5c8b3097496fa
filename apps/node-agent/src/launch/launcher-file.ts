import { copyFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentConfig } from '../agent.config';

/**
 * Puts the launcher beside the folders that it is linked into: one file for all. Its name says which version it is.
 * @throws Error where there is none: no sandbox could be started
 */
export function placeLauncher({ launcher, runDir }: Pick<AgentConfig, 'launcher' | 'runDir'>): string {
  if (!existsSync(launcher))
    throw new Error(`${launcher} is not there: build it (make build, with gcc), or set --launcher`);
  const { size, mtimeMs } = statSync(launcher);
  mkdirSync(runDir, { recursive: true });
  const placed = join(runDir, `launcher-${size}-${Math.floor(mtimeMs)}`);
  if (!existsSync(placed)) {
    copyFileSync(launcher, `${placed}.${process.pid}`);
    renameSync(`${placed}.${process.pid}`, placed);
  }
  return placed;
}
