import { hasEnded } from '@fsb/api/phases';
import { parseQuantity } from '@fsb/api/quantity';
import { type Sandbox, type SandboxResources } from '@fsb/api/sandbox';

/** Usage in whole numbers, so that sums return to exactly zero. */
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

/** The usage of one sandbox, rounded up. @throws ApiError invalid_argument naming a field that is not a quantity */
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
 * The usage of an object, as Kubernetes counts: the object while it exists, its resources until it has finished.
 * @param defaults the pool's, for resources that the object does not give
 */
export function usageOfObject({ spec, status }: Sandbox, defaults: SandboxResources | undefined): Usage {
  if (hasEnded(status?.phase)) return { ...NOTHING, sandboxes: 1 };
  return usageOfSpec({ ...defaults, ...spec.resources });
}

/** The usage of unvalidated resources. Malformed ones count as a sandbox without resources: it is never placed. */
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
