import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OWNERS_FOLDER } from '@fsb/api/machine-names';

/** An MD5 in hex, a uid with or without an attempt number, or a waiting container's: nothing else in these folders is ours. */
const ID = '(?:warm-[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-\\d+)?)';
const SAFE_ID = /^[a-z0-9][a-z0-9.-]{0,127}$/;
const UID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** What is looked for in a folder: names that carry an id. */
export const PATTERNS = {
  log: new RegExp(`^(${ID})\\.log(?:\\.(?:\\d+|streams|start|start\\.new|kept|kept\\.new))?$`),
  folder: new RegExp(`^(${ID})$`),
  fifo: new RegExp(`^(${ID})(?:-std(?:in|out|err))?$`),
  pod: new RegExp(`^(${UID})$`),
} as const;

export interface FoundFile {
  readonly path: string;
  /** in its name */
  readonly id: string;
  readonly mtimeMs: number;
}

/** What lies in a folder under an id. A folder that is not there has nothing. */
export async function filesIn(folder: string, pattern: RegExp): Promise<FoundFile[]> {
  const names = await namesIn(folder);
  const found = names.flatMap((name) => {
    const id = pattern.exec(name)?.[1];
    return id === undefined ? [] : [{ path: join(folder, name), id }];
  });
  const stats = await Promise.all(found.map(({ path }) => stat(path).catch(() => undefined))); // gone meanwhile
  return found.flatMap((file, i) => {
    const mtimeMs = stats[i]?.mtimeMs;
    return mtimeMs === undefined ? [] : [{ ...file, mtimeMs }];
  });
}

/** @throws Error where the folder is there and cannot be read */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // fs throws nothing else
    throw error;
  }
}

/** Folders carry no labels: they are an installation's where its agents alone have signed. */
export async function isSignedByOne(runDir: string, installation: string): Promise<boolean> {
  const owners = await namesIn(join(runDir, OWNERS_FOLDER));
  return owners.length === 1 && owners[0] === installation;
}

/** A sandbox's logs, the rotated ones too, and its folder. */
export async function removeAll(logDir: string, sandboxes: string, sandboxId: string): Promise<void> {
  if (!SAFE_ID.test(sandboxId)) return; // not a name that an agent gives: not a path to build
  const logs = (await namesIn(logDir)).filter(
    (name) => name.replace(/\.log(\.(\d+|streams|start|start\.new|kept|kept\.new))?$/, '') === sandboxId,
  );
  await Promise.all(logs.map((name) => removePath(join(logDir, name))));
  await removePath(join(sandboxes, sandboxId));
}

export async function removePath(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}
