import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runFolders, sandboxFolder } from '@fsb/node/node-folders';
import { sandboxOfLog } from '@fsb/node/sandbox-log-files';

/** Id of a sandbox (MD5 hex; uid with or without attempt) or standby container. Files of other names are not ours. */
const ID = '(?:warm-[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-\\d+)?)';
const SAFE_ID = /^[a-z0-9][a-z0-9.-]{0,127}$/;
const UID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

const IN_FOLDER = new RegExp(`^(${ID})$`);
const IN_FIFO = new RegExp(`^(${ID})(?:-std(?:in|out|err))?$`);
const IN_POD = new RegExp(`^(${UID})$`);

type IdIn = (name: string) => string | undefined;

/** Functions that extract the id from a file name, by kind of file. */
export const idIn = {
  log: (name) => IN_FOLDER.exec(sandboxOfLog(name) ?? '')?.[1],
  folder: (name) => IN_FOLDER.exec(name)?.[1],
  fifo: (name) => IN_FIFO.exec(name)?.[1],
  pod: (name) => IN_POD.exec(name)?.[1],
} as const satisfies Record<string, IdIn>;

export interface FoundFile {
  readonly path: string;
  /** as in its name */
  readonly id: string;
  readonly mtimeMs: number;
}

/** Lists the files of a folder whose names carry an id. An absent folder is empty. */
export async function filesIn(folder: string, idOf: IdIn): Promise<FoundFile[]> {
  const names = await namesIn(folder);
  const found = names.flatMap((name) => {
    const id = idOf(name);
    return id === undefined ? [] : [{ path: join(folder, name), id }];
  });
  const stats = await Promise.all(found.map(({ path }) => stat(path).catch(() => undefined))); // removed meanwhile
  return found.flatMap((file, i) => {
    const mtimeMs = stats[i]?.mtimeMs;
    return mtimeMs === undefined ? [] : [{ ...file, mtimeMs }];
  });
}

/** Lists a folder; an absent one is empty. @throws Error when the folder exists and cannot be read */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // fs throws only ErrnoException
    throw error;
  }
}

/** Whether only this installation's agents use the run folder. Files carry no labels: a shared folder is not swept. */
export async function isSoleInstallation(runDir: string, installation: string): Promise<boolean> {
  const owners = await namesIn(runFolders.owners(runDir));
  return owners.length === 1 && owners[0] === installation;
}

/** Removes a sandbox's folder and its logs, rotated ones included. Ignores an id that no agent would give. */
export async function removeSandboxFiles(logDir: string, runDir: string, sandboxId: string): Promise<void> {
  if (!SAFE_ID.test(sandboxId)) return; // unsafe in a path
  const logs = (await namesIn(logDir)).filter((name) => sandboxOfLog(name) === sandboxId);
  await Promise.all(logs.map((name) => removePath(join(logDir, name))));
  await removePath(sandboxFolder(runDir, sandboxId));
}

export async function removePath(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}
