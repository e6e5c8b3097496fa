import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupHierarchies } from '../../apps/standalone/src/node/pod-cgroup';

/** A cgroup (v1 or v2) with a memory limit, as a container has, for a process started in it. */
export class MemoryCgroup {
  private constructor(private readonly folder: string) {}

  static make(name: string, limitBytes: number): MemoryCgroup {
    const hierarchies = cgroupHierarchies(readFileSync('/proc/self/mounts', 'utf8'));
    const top = hierarchies.find(({ folder, unified }) => unified || existsSync(join(folder, 'memory.limit_in_bytes')));
    if (!top) throw new Error('this machine has no cgroup that counts memory');
    if (top.unified) writeFileSync(join(top.folder, 'cgroup.subtree_control'), '+memory');
    const folder = join(top.folder, name);
    mkdirSync(folder);
    writeFileSync(join(folder, top.unified ? 'memory.max' : 'memory.limit_in_bytes'), String(limitBytes));
    return new MemoryCgroup(folder);
  }

  /** File that a process writes its pid to; its later allocations count in this cgroup. */
  get procs(): string {
    return join(this.folder, 'cgroup.procs');
  }

  /** Processes that the kernel's OOM killer ended. */
  get oomKills(): number {
    const text = this.read('memory.events', 'memory.oom_control');
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
  }

  /** Peak memory use in MiB, page cache included. */
  get peakMiB(): number {
    return Number(this.read('memory.peak', 'memory.max_usage_in_bytes')) / 1024 / 1024;
  }

  /** Removes the cgroup. No process may be left in it. */
  remove(): void {
    rmdirSync(this.folder);
  }

  private read(...names: readonly string[]): string {
    const file = names.map((name) => join(this.folder, name)).find((path) => existsSync(path));
    if (file === undefined) throw new Error(`${this.folder} has none of ${names.join(', ')}`);
    return readFileSync(file, 'utf8');
  }
}
