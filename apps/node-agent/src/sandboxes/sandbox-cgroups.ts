import { existsSync, readdirSync } from 'node:fs';
import { readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerIds } from '@fsb/containerd/container-ids';
import { CPU_PERIOD_US, cpuQuota, cpuShares, type ContainerLimits } from '@fsb/containerd/oci-spec';
import { CGROUPS } from '@fsb/node/node-folders';

const ATTEMPTS = 20;
const RETRY_MS = 100;
const PAGE_BYTES = 4096;

/**
 * The cgroups of sandboxes: limits, counters and removal. A runc that dies during a create, as it does with containerd,
 * leaves cgroups behind and no longer knows them.
 */
export class SandboxCgroups {
  private readonly hierarchies = hierarchies();

  /** @param group parent of the cgroups of all sandboxes, as an OCI cgroupsPath */
  constructor(
    private readonly group: string,
    private readonly ids: ContainerIds,
  ) {}

  path(id: string): string {
    return `${this.group}/${this.ids.containerOf(id)}`;
  }

  /** The sandbox's folder in a hierarchy. Earlier agents made it beside the group, and their sandboxes outlive them. */
  private folder(hierarchy: string, id: string): string {
    const folder = join(hierarchy, this.path(id));
    const earlier = join(hierarchy, dirname(this.group), this.ids.containerOf(id));
    return !existsSync(folder) && existsSync(earlier) ? earlier : folder;
  }

  /**
   * Limits a container that already runs. Absent limits stay as they are.
   * @throws Error where its cgroup cannot be written
   */
  async limit(id: string, { memoryBytes, cpus, pids }: ContainerLimits): Promise<void> {
    const unified = isUnified();
    const write = (controller: string, file: string, value: number | string): Promise<void> =>
      writeFile(join(this.folder(join(CGROUPS, unified ? '' : controller), id), file), String(value));
    await write('pids', 'pids.max', pids);
    if (memoryBytes !== undefined) await write('memory', unified ? 'memory.max' : 'memory.limit_in_bytes', memoryBytes);
    if (cpus === undefined) return;
    if (unified) {
      await write('cpu', 'cpu.max', `${cpuQuota(cpus)} ${CPU_PERIOD_US}`);
      await write('cpu', 'cpu.weight', weightOf(cpuShares(cpus)));
      return;
    }
    await write('cpu', 'cpu.cfs_period_us', CPU_PERIOD_US);
    await write('cpu', 'cpu.cfs_quota_us', cpuQuota(cpus));
    await write('cpu', 'cpu.shares', cpuShares(cpus));
  }

  /** Processes of a container that the OOM killer has ended. @returns undefined where the cgroup cannot be read */
  async oomKills(id: string): Promise<number | undefined> {
    const text = await this.read(id, 'memory', isUnified() ? 'memory.events' : 'memory.oom_control');
    const count = /^oom_kill (\d+)$/m.exec(text)?.[1];
    return count === undefined ? undefined : Number(count);
  }

  /**
   * Pids of its processes, in this process's pid namespace. None where it does not show them (a Pod without hostPID).
   */
  async processes(id: string): Promise<number[]> {
    const text = await this.read(id, 'pids', 'cgroup.procs');
    return text
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0);
  }

  /**
   * A counter in bytes that grows with what a sandbox writes to files, and with more: on cgroup v2, with blocks that
   * are rewritten; on v1, which does not attribute buffered writes, with other memory (a page may be larger than it is
   * counted).
   */
  async written(id: string): Promise<number> {
    if (isUnified()) return sum(await this.read(id, '', 'io.stat'), /\bwbytes=(\d+)/g);
    const [direct, paged] = await Promise.all([
      this.read(id, 'blkio', 'blkio.throttle.io_service_bytes'),
      this.read(id, 'memory', 'memory.stat'),
    ]);
    const cached = sum(paged, /^total_cache (\d+)$/gm) + sum(paged, /^total_pgpgin (\d+)$/gm) * PAGE_BYTES;
    return sum(direct, /\bWrite (\d+)$/gm) + cached;
  }

  private read(id: string, controller: string, file: string): Promise<string> {
    const path = join(this.folder(join(CGROUPS, isUnified() ? '' : controller), id), file);
    return readFile(path, 'utf8').catch(() => ''); // gone, or not mounted here
  }

  /** Removes the cgroups and kills what still runs in them. Idempotent. @throws Error where processes do not end */
  async remove(id: string): Promise<void> {
    const folders = this.hierarchies.map((root) => this.folder(root, id));
    await Promise.all(folders.filter(existsSync).map(removeFolder)); // usually none: the runtime has removed them
  }
}

function sum(text: string, count: RegExp): number {
  return [...text.matchAll(count)].reduce((all, [, number]) => all + Number(number), 0);
}

/** cpu.weight of cgroup v2 for shares of v1, as OCI runtimes convert it. */
function weightOf(shares: number): number {
  return 1 + Math.floor(((Math.min(262_144, shares) - 2) * 9_999) / 262_142);
}

function isUnified(): boolean {
  return existsSync(join(CGROUPS, 'cgroup.controllers'));
}

/** Folders that may be hierarchies: the root (cgroup v2) and each folder in it (v1). None where there is no mount. */
function hierarchies(): string[] {
  if (!existsSync(CGROUPS)) return [];
  const entries = readdirSync(CGROUPS, { withFileTypes: true });
  return [CGROUPS, ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(CGROUPS, name))];
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
    if (pid <= 1) continue; // 0: in a pid namespace that is not visible here
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended meanwhile
    }
  }
}
