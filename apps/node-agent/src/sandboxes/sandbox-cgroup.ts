import { readdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = '/sys/fs/cgroup';
const ATTEMPTS = 20;
const RETRY_MS = 50;

/**
 * Removes the cgroup of a container that is gone, in each hierarchy. The runtime does so itself, unless its containerd was
 * killed in the middle of a create: then the cgroup stays, and in it the runtime's own process, which waits for a start
 * that nobody can send any more.
 * @param path as in an OCI cgroupsPath
 */
export async function removeCgroup(path: string): Promise<void> {
  const hierarchies = await readdir(ROOT).catch(() => []); // not mounted: there is none
  const folders = [join(ROOT, path), ...hierarchies.map((hierarchy) => join(ROOT, hierarchy, path))];
  await Promise.all(folders.map(removeFolder));
}

async function removeFolder(folder: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const code = await rmdir(folder).then(
      () => undefined,
      (error: unknown) => (error as NodeJS.ErrnoException).code, // fs throws nothing else
    );
    if (code !== 'EBUSY') return; // gone, mostly before
    await killAllIn(folder);
    await sleep(RETRY_MS);
  }
}

/** In a PID namespace of its own an agent sees 0 for a process outside: that one is not its to end. */
async function killAllIn(folder: string): Promise<void> {
  const pids = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  for (const pid of pids.split('\n').map(Number)) {
    if (pid <= 1) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended meanwhile
    }
  }
}
