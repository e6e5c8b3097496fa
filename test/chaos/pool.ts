import { API_VERSION } from '@fsb/api/sandbox';
import { type SandboxPool } from '@fsb/api/sandbox-pool';

export const NAMESPACE = 'default';
export const POOL = 'chaos';
export const POOL_MAX = 3;
export const SLOTS = 4;

/** Small enough to be full at times; it grows and shrinks during the faults. */
export function chaosPool(): SandboxPool {
  return {
    ...{ apiVersion: API_VERSION, kind: 'SandboxPool', metadata: { name: POOL, namespace: NAMESPACE } },
    spec: {
      capacity: { poolMin: 1, poolMax: POOL_MAX, bufferMin: 2, bufferMax: 10 },
      maxSandboxesPerPod: SLOTS,
      runtimeType: 'container',
      agentTemplate: { spec: { containers: [{ name: 'agent', image: 'fast-sandbox/node-agent:latest' }] } },
    },
  };
}
