import { readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
const NAME = `fsb-bench-${process.pid}`;

/** Cgroup path of a yardstick's container; the runtimes remove it, but not its parent. */
export function yardstickCgroup(id: string): string {
  return `/${NAME}/${id}`;
}

/** Removes the parent cgroup from every hierarchy. No container may be left in it. */
export function removeYardstickCgroup(): void {
  const folders = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const folder of [ROOT, ...folders.map(({ name }) => join(ROOT, name))]) {
    try {
      rmdirSync(join(folder, NAME));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // fs throws only ErrnoException
    }
  }
}
