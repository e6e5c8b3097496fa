import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { SANDBOXES_CGROUP } from '@fsb/node/machine-names';
import { CGROUPS } from '@fsb/node/node-folders';

/** The kernel's defaults, of a process or cgroup: cpu.shares on v1, cpu.weight on v2. */
const [DEFAULT_SHARES, DEFAULT_WEIGHT, MAX_WEIGHT] = [1024, 100, 10_000];

/**
 * The cgroups of one Pod: /fast-sandbox-<installation>/<pod uid>, with the agent in `agent` below and its sandboxes in
 * `sandboxes`. On cgroup v1 they exist in every hierarchy.
 */
export class PodCgroup {
  private readonly hierarchies = cgroupHierarchies(readFileSync('/proc/self/mounts', 'utf8'));

  /** @param path absolute within a hierarchy, as the prefix of an OCI cgroupsPath */
  constructor(readonly path: string) {}

  /** @returns the files to which the agent's process writes its pid */
  make(memoryBytes: number | undefined): string[] {
    return this.hierarchies.map(({ folder, unified }) => {
      const pod = join(folder, this.path);
      const agent = join(pod, 'agent');
      mkdirSync(agent, { recursive: true });
      if (unified) delegate(folder, [dirname(pod), pod]);
      else if (existsSync(join(folder, 'cpuset.cpus'))) inheritCpuset([dirname(pod), pod, agent]);
      weigh(dirname(pod));
      if (memoryBytes !== undefined) limitMemory(pod, memoryBytes);
      return join(agent, 'cgroup.procs');
    });
  }

  /** Removes the cgroups; those that still hold sandboxes stay. */
  remove(): void {
    for (const { folder } of this.hierarchies) {
      removeEmpty(join(folder, this.path, 'agent'));
      removeEmptyPod(join(folder, this.path));
    }
  }
}

export interface Hierarchy {
  readonly folder: string;
  readonly unified: boolean;
}

/** Hierarchies of a mount table. On a hybrid machine only v1: its unified one has no controllers, and runc uses v1. */
export function cgroupHierarchies(mounts: string): Hierarchy[] {
  const all = mounts.split('\n').flatMap((line) => {
    const [, folder = '', type] = line.split(' ');
    if (!folder.startsWith(CGROUPS) || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    return [{ folder, unified: type === 'cgroup2' }];
  });
  const v1 = all.filter(({ unified }) => !unified);
  return v1.length > 0 ? v1 : all;
}

/**
 * Removes a cgroup and all below it in each hierarchy.
 * @returns whether it existed
 * @throws Error (EBUSY) while it holds a process
 */
export function removeCgroupTree(name: string): boolean {
  let found = false;
  for (const { folder } of cgroupHierarchies(readFileSync('/proc/self/mounts', 'utf8'))) {
    const top = join(folder, name);
    if (!existsSync(top)) continue;
    found = true;
    removeTree(top);
  }
  return found;
}

/** Removes the cgroups of Pods that ended before their last sandbox. A cgroup with a process in it or below stays. */
export function removeEmptyCgroups(name: string): void {
  for (const { folder } of cgroupHierarchies(readFileSync('/proc/self/mounts', 'utf8'))) {
    const top = join(folder, name);
    if (!existsSync(top)) continue;
    for (const entry of readdirSync(top, { withFileTypes: true })) {
      if (entry.isDirectory()) removeEmptyPod(join(top, entry.name));
    }
  }
}

function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  }
  rmdirSync(folder);
}

function removeEmptyPod(pod: string): void {
  // `agent` is the first cgroup of a new Pod, and exists as long as its agent runs
  if (existsSync(join(pod, 'agent'))) return;
  for (const folder of [join(pod, SANDBOXES_CGROUP), pod]) removeEmpty(folder);
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // already removed, or in use by sandboxes that outlive their agent
  }
}

/** v2: enables the controllers for the children of each folder. */
function delegate(root: string, folders: readonly string[]): void {
  for (const folder of [root, ...folders]) {
    const available = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').split(/\s+/).filter(Boolean);
    for (const controller of available) {
      try {
        writeFileSync(join(folder, 'cgroup.subtree_control'), `+${controller}`);
      } catch {
        // some controllers cannot be delegated; without one only its limit is lost
      }
    }
  }
}

/** v1: copies the parent's cpuset. A new one is empty and accepts no process. */
function inheritCpuset(folders: readonly string[]): void {
  for (const folder of folders) {
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const value = readFileSync(join(folder, file), 'utf8').trim();
      if (value === '') writeFileSync(join(folder, file), readFileSync(join(dirname(folder), file), 'utf8'));
    }
  }
}

/**
 * Sets the CPU weight of all Pods together to that of as many processes as the machine has CPUs (as the kubelet does
 * for its kubepods), or as there are Pods if these are more. With the default they would weigh as much as one process.
 */
function weigh(top: string): void {
  const pods = readdirSync(top, { withFileTypes: true }).filter((entry) => entry.isDirectory()).length;
  const processes = Math.max(cpus().length, pods);
  const [shares, weight] = [join(top, 'cpu.shares'), join(top, 'cpu.weight')];
  if (existsSync(shares)) writeFileSync(shares, String(processes * DEFAULT_SHARES));
  else if (existsSync(weight)) writeFileSync(weight, String(Math.min(MAX_WEIGHT, processes * DEFAULT_WEIGHT)));
}

function limitMemory(folder: string, bytes: number): void {
  const file = ['memory.max', 'memory.limit_in_bytes']
    .map((name) => join(folder, name))
    .find((path) => existsSync(path));
  if (file !== undefined) writeFileSync(file, String(bytes));
}
