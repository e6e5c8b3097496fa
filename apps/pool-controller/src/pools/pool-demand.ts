import { type Sandbox, type SandboxPhase } from '@fsb/api/sandbox';

/** What the Sandboxes of a pool ask of it. */
export interface Demand {
  /** have a slot */
  readonly active: number;
  /** want one */
  readonly pending: number;
  /** by agent Pod: sandboxes that hold a slot there, or held one until a moment ago */
  readonly onAgent: ReadonlyMap<string, number>;
  /** by agent Pod: ended ones, whose log goes with the agent */
  readonly endedOnAgent: ReadonlyMap<string, number>;
}

const ENDED: ReadonlySet<SandboxPhase> = new Set(['Expired', 'Failed', 'Succeeded', 'Lost']);

export function demandOf(pool: string, sandboxes: readonly Sandbox[]): Demand {
  let [active, pending] = [0, 0];
  const onAgent = new Map<string, number>();
  const endedOnAgent = new Map<string, number>();
  for (const sandbox of sandboxes) {
    if (sandbox.spec.poolRef !== pool) continue;
    const { phase = 'Pending', assignedPod = '' } = sandbox.status ?? {};
    const counted = ENDED.has(phase) ? endedOnAgent : onAgent;
    if (assignedPod !== '') counted.set(assignedPod, (counted.get(assignedPod) ?? 0) + 1);
    if (!wantsSlot(sandbox, phase)) continue;
    if (assignedPod !== '' && phase !== 'Lost') active++;
    else pending++;
  }
  return { active, pending, onAgent, endedOnAgent };
}

/** An ended sandbox that still counted would keep a pool large for ever. */
function wantsSlot({ metadata, spec }: Sandbox, phase: SandboxPhase): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  if (phase === 'Lost') return spec.failurePolicy === 'AutoRecreate';
  return phase === 'Pending' || phase === 'Bound' || phase === 'Running';
}
