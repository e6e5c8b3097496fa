import { copyFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Program {
  /** of the flag that names it, and of the file that is made */
  readonly name: string;
  readonly path: string;
}

/**
 * Puts a program of ours where containerd sees it under the same path. Its name says which version it is.
 * @throws Error where there is none: no sandbox could be started
 */
export function placeProgram({ name, path }: Program, folder: string): string {
  if (!existsSync(path)) throw new Error(`${path} is not there: build it (make build, with gcc), or set --${name}`);
  const { size, mtimeMs } = statSync(path);
  mkdirSync(folder, { recursive: true });
  const placed = join(folder, `${name}-${size}-${Math.floor(mtimeMs)}`);
  if (!existsSync(placed)) {
    copyFileSync(path, `${placed}.${process.pid}`);
    renameSync(`${placed}.${process.pid}`, placed);
  }
  return placed;
}
