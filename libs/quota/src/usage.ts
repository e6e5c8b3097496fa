import { hasEnded } from '@fsb/api/phases';
import { parseQuantity } from '@fsb/api/quantity';
import { type Sandbox, type SandboxResources } from '@fsb/api/sandbox';

/** In whole numbers, so that a sum goes back to exactly nought. */
export interface Usage {
  readonly sandboxes: number;
  readonly milliCpu: number;
  /** bytes */
  readonly memory: number;
  /** processes */
  readonly pids: number;
  /** bytes */
  readonly storage: number;
}

export const NOTHING: Usage = { sandboxes: 0, milliCpu: 0, memory: 0, pids: 0, storage: 0 };

/** @throws ApiError invalid_argument for what is no quantity */
export function usageOf(resources: SandboxResources): Usage {
  const { cpu = '0', memory = '0', pids = '0', 'ephemeral-storage': storage = '0' } = resources;
  return {
    sandboxes: 1,
    milliCpu: Math.ceil(parseQuantity(cpu, 'resources.cpu') * 1000),
    memory: Math.ceil(parseQuantity(memory, 'resources.memory')),
    pids: Math.ceil(parseQuantity(pids, 'resources.pids')),
    storage: Math.ceil(parseQuantity(storage, 'resources.ephemeral-storage')),
  };
}

/**
 * As Kubernetes counts: an object counts as long as it is there, its resources until it has finished.
 * @param defaults the pool's, for what the object does not say
 */
export function usageOfObject({ spec, status }: Sandbox, defaults: SandboxResources | undefined): Usage {
  if (hasEnded(status?.phase)) return { ...NOTHING, sandboxes: 1 };
  return usageOfSpec({ ...defaults, ...spec.resources });
}

/** Of resources that somebody has written, well or not: what cannot be read is not placed either. */
export function usageOfSpec(resources: SandboxResources = {}): Usage {
  try {
    return usageOf(resources);
  } catch {
    return { ...NOTHING, sandboxes: 1 };
  }
}

export function plus(a: Usage, b: Usage, sign: 1 | -1 = 1): Usage {
  return {
    sandboxes: a.sandboxes + sign * b.sandboxes,
    milliCpu: a.milliCpu + sign * b.milliCpu,
    memory: a.memory + sign * b.memory,
    pids: a.pids + sign * b.pids,
    storage: a.storage + sign * b.storage,
  };
}
