import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The kernel's own, of a cgroup that nobody has given another. */
const DEFAULT_SHARES = 1024;
/** The kernel takes no less. */
const LEAST_SHARES = 2;

/** What an agent and its sandboxes, which are sibling cgroups, divide among them. */
export interface CpuBounds {
  /** cores that a sandbox may use at most: the agent's own limit */
  readonly limit: number | undefined;
  readonly slots: number;
  /** the agent's weight, in cpu.shares */
  readonly agentShares: number;
}

/**
 * The weight of a sandbox where the CPU is short, in cpu.shares: in proportion to its limit, and so that a full agent's
 * sandboxes together weigh no more than their agent. Weighed by their cores alone, forty busy ones leave the agent a fortieth of
 * what it needs to read logs, see exits and delete. Pure.
 * @param cpus cores that the sandbox is limited to; undefined: not limited
 */
export function cpuSharesOf(cpus: number | undefined, { limit, slots, agentShares }: CpuBounds): number {
  const part = cpus === undefined ? 1 : Math.min(1, cpus / (limit ?? 1));
  return Math.max(LEAST_SHARES, Math.floor((part * agentShares) / slots));
}

/** This process's own weight: what its Pod's CPU request came to. On cgroup v2 the default, from which a runtime makes the least weights. */
export function ownCpuShares(text = readFileSync('/proc/self/cgroup', 'utf8'), root = '/sys/fs/cgroup/cpu'): number {
  const lines = text.split('\n').map((line) => line.split(':'));
  const path = lines.find(([, controllers]) => controllers?.split(',').includes('cpu'))?.[2];
  if (path === undefined) return DEFAULT_SHARES;
  try {
    return Number(readFileSync(join(root, path, 'cpu.shares'), 'utf8')) || DEFAULT_SHARES;
  } catch {
    return DEFAULT_SHARES; // not mounted here
  }
}
