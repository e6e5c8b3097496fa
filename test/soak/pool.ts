import { API_VERSION } from '@fsb/api/sandbox';
import { type SandboxPool } from '@fsb/api/sandbox-pool';

export const NAMESPACE = 'default';
export const POOL = 'soak';
/** Label of every sandbox of the run: `<lane>-<number>-<index of the life>`. */
export const LIFE_LABEL = 'soak-life';
export const AGENTS = 3;
const SLOTS = 40;

/**
 * Has more slots than the run uses at once, ending sandboxes included, so that a refusal for want of room is a fault.
 */
export function soakPool(): SandboxPool {
  return {
    ...{ apiVersion: API_VERSION, kind: 'SandboxPool', metadata: { name: POOL, namespace: NAMESPACE } },
    spec: {
      capacity: { poolMin: AGENTS, poolMax: AGENTS, bufferMin: 0, bufferMax: AGENTS * SLOTS },
      maxSandboxesPerPod: SLOTS,
      runtimeType: 'container',
      agentTemplate: { spec: { containers: [{ name: 'agent', image: 'fast-sandbox/node-agent:latest' }] } },
    },
  };
}
