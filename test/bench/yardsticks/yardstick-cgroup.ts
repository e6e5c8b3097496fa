import { readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
const NAME = `fsb-bench-${process.pid}`;

/** Where a container of a yardstick is counted; the runtimes remove this, and leave what is above it. */
export function yardstickCgroup(id: string): string {
  return `/${NAME}/${id}`;
}

/** Once no container is in it: of each hierarchy, or of the only one. */
export function removeYardstickCgroup(): void {
  const folders = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const folder of [ROOT, ...folders.map(({ name }) => join(ROOT, name))]) {
    try {
      rmdirSync(join(folder, NAME));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // fs throws nothing else
    }
  }
}
