import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupHierarchies } from '../../apps/standalone/src/node/pod-cgroup';

/** A limit of memory as a container has it, on cgroup v1 or v2, for a process that is started in it. */
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

  /** The file that a process writes its pid to, to be counted here with all that it takes from then on. */
  get procs(): string {
    return join(this.folder, 'cgroup.procs');
  }

  /** Processes that the kernel has ended for want of memory. */
  get oomKills(): number {
    const text = this.read('memory.events', 'memory.oom_control');
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
  }

  /** The most it has held, the cache of files included. */
  get peakMiB(): number {
    return Number(this.read('memory.peak', 'memory.max_usage_in_bytes')) / 1024 / 1024;
  }

  /** Once no process is in it. */
  remove(): void {
    rmdirSync(this.folder);
  }

  private read(...names: readonly string[]): string {
    const file = names.map((name) => join(this.folder, name)).find((path) => existsSync(path));
    if (file === undefined) throw new Error(`${this.folder} has none of ${names.join(', ')}`);
    return readFileSync(file, 'utf8');
  }
}
