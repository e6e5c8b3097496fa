import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** An MD5 in hex, or a uid with or without an attempt number: nothing else in these folders is a sandbox's. */
const ID = '(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-\\d+)?)';
const LOG = new RegExp(`^(${ID})\\.log(?:\\.\\d+)?$`);
const FOLDER = new RegExp(`^(${ID})$`);

export interface LeftoverOptions {
  readonly logDir: string;
  readonly runDir: string;
  /** a file that was written later may belong to a create under way */
  readonly minAgeMs: number;
}

/**
 * Logs and folders of sandboxes that have no container any more. Snapshots need no sweep: containerd's own collector
 * takes one that neither a container nor a lease holds.
 */
export async function leftoverFiles(known: ReadonlySet<string>, options: LeftoverOptions): Promise<string[]> {
  const { logDir, runDir, minAgeMs } = options;
  const found = await Promise.all([matching(logDir, LOG, known), matching(join(runDir, 'sandboxes'), FOLDER, known)]);
  const old = await Promise.all(found.flat().map((path) => isOlder(path, minAgeMs)));
  return found.flat().filter((_, index) => old[index]);
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

async function matching(folder: string, pattern: RegExp, known: ReadonlySet<string>): Promise<string[]> {
  const names = await readdir(folder).catch(() => []); // no folder yet: nothing was made
  return names
    .filter((name) => {
      const id = pattern.exec(name)?.[1];
      return id !== undefined && !known.has(id);
    })
    .map((name) => join(folder, name));
}

async function isOlder(path: string, ageMs: number): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > ageMs;
}
