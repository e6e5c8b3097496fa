import { readdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = '/sys/fs/cgroup';
const ATTEMPTS = 20;
const RETRY_MS = 100;

/**
 * The cgroups of sandboxes, where their runtime has left them: a runc that dies in the middle of a create (containerd's death
 * ends it) has made them and knows nothing of them any more.
 */
export class SandboxCgroups {
  /** @param parent as an OCI cgroupsPath */
  constructor(private readonly parent: string) {}

  path(id: string): string {
    return `${this.parent}/${id}`;
  }

  /** With what still runs in them. What is gone already is success. */
  async remove(id: string): Promise<void> {
    const entries = await readdir(ROOT, { withFileTypes: true }).catch(() => []); // not mounted: there is none
    // one hierarchy for each controller, or one for all
    const roots = [ROOT, ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(ROOT, name))];
    await Promise.all(roots.map((root) => removeFolder(join(root, this.path(id)))));
  }
}

/** @throws Error where processes in it do not end */
async function removeFolder(folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException; // fs throws nothing else
      if (code === 'ENOENT' || code === 'ENOTDIR') return;
      if (code !== 'EBUSY' || attempt === ATTEMPTS) throw error;
    }
    await killAll(folder);
    await sleep(RETRY_MS);
  }
}

async function killAll(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => ''); // gone meanwhile
  for (const pid of text.split('\n').map(Number)) {
    if (pid <= 1) continue; // 0: of a pid namespace that we do not see
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended meanwhile
    }
  }
}
