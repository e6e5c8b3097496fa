import { copyFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface Program {
  /** name of the flag for its path, and prefix of the placed file */
  readonly name: string;
  readonly path: string;
}

/**
 * Copies a program to a folder that containerd sees under the same path. Size and time in its name tell versions apart.
 * @returns the path of the copy
 * @throws Error where the program is missing
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
