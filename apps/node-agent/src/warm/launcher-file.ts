import { copyFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentConfig } from '../agent.config';

/**
 * Puts the launcher beside the folders that it is linked into: one file for all. Its name says which version it is.
 * @returns undefined where none may wait, or the launcher is not there
 */
export function placeLauncher({ launcher, runDir, warmContainers }: AgentConfig): string | undefined {
  if (warmContainers === 0 || !existsSync(launcher)) return undefined;
  const { size, mtimeMs } = statSync(launcher);
  mkdirSync(runDir, { recursive: true });
  const placed = join(runDir, `launcher-${size}-${Math.floor(mtimeMs)}`);
  if (!existsSync(placed)) {
    copyFileSync(launcher, `${placed}.${process.pid}`);
    renameSync(`${placed}.${process.pid}`, placed);
  }
  return placed;
}
