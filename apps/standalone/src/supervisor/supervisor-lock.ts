import { files, type Layout } from '../layout';
import { identify, isAlive, type ProcessIdentity, processIdentity } from '../process-identity';
import { readJson, removeFile, writeFileAtomic } from '../state-file';
import { linkSync, rmSync } from 'node:fs';

/** The running supervisor of this root; undefined when there is none. */
export function runningSupervisor(layout: Layout): ProcessIdentity | undefined {
  const holder = readJson(files.supervisor(layout), processIdentity);
  return holder && isAlive(holder) ? holder : undefined;
}

/** @throws Error when another supervisor runs for this root */
export function lockSupervisor(layout: Layout): void {
  const own = identify(process.pid);
  if (!own) throw new Error('/proc does not show this process');
  const path = files.supervisor(layout);
  const claim = `${path}.${process.pid}`;
  writeFileAtomic(claim, JSON.stringify(own));
  try {
    if (runningSupervisor(layout) === undefined) removeFile(path); // lock of a dead one
    linkSync(claim, path); // fails if the file exists: of two at once, one wins
  } catch {
    const holder = runningSupervisor(layout);
    throw new Error(`a supervisor runs already with ${layout.run} (process ${holder?.pid ?? 'unknown'})`);
  } finally {
    rmSync(claim, { force: true });
  }
}

export function unlockSupervisor(layout: Layout): void {
  if (runningSupervisor(layout)?.pid === process.pid) removeFile(files.supervisor(layout));
}
