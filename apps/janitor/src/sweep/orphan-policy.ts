/** A sandbox's container as its labels describe it. */
export interface ClaimedContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly namespace: string;
  readonly sandboxName: string;
  readonly agentName: string;
  readonly agentUid: string;
  /** empty: no object is known to the agent yet */
  readonly claimUid: string;
  /** Unix ms; undefined: it still waits for its sandbox */
  readonly claimedAtMs: number | undefined;
  /** Unix ms since when its agent has been ending it */
  readonly endingSinceMs: number | undefined;
}

/** `unknown`: nobody answered. Nothing is ever removed for it. */
export type AgentPresence = 'present' | 'gone' | 'unknown';
export type ObjectPresence = { readonly uid: string } | 'absent' | 'unknown';

export interface Evidence {
  readonly agent: AgentPresence;
  readonly object: ObjectPresence;
  /** how long the sandbox-controller's Lease has been seen held without a gap */
  readonly adopterHeldMs: number;
}

export type RemovalReason = 'AgentPodGone' | 'SandboxNotFound' | 'ClaimUidDiffers';
export type KeepReason = 'young' | 'ending' | 'owned' | 'unknown' | 'unlabelled' | 'nobody-to-adopt';
export type Verdict = { readonly remove: RemovalReason; readonly why: string } | { readonly keep: KeepReason };

export interface Timing {
  readonly nowMs: number;
  readonly orphanTimeoutMs: number;
}

/** SIGTERM, ten seconds, SIGKILL, and some for the rest: until then an ending container is its agent's. */
const ENDING_MS = 30_000;

/** Too young to be judged: whoever claimed it may still be at work, so nobody needs to be asked either. */
export function isYoung({ claimedAtMs }: ClaimedContainer, { nowMs, orphanTimeoutMs }: Timing): boolean {
  return claimedAtMs !== undefined && nowMs - claimedAtMs < orphanTimeoutMs;
}

/** Whether a container is an orphan. Pure: the table of cases is its specification. */
export function judge(container: ClaimedContainer, evidence: Evidence, timing: Timing): Verdict {
  const { agentUid, agentName, claimedAtMs } = container;
  if (agentUid === '' || agentName === '') return { keep: 'unlabelled' };
  if (isYoung(container, timing)) return { keep: 'young' };
  if (evidence.agent === 'gone') return { remove: 'AgentPodGone', why: `its agent ${agentName} is gone` };
  if (evidence.agent === 'unknown') return { keep: 'unknown' };
  if (claimedAtMs === undefined) return { keep: 'owned' };
  return judgeClaim(container, evidence, timing);
}

function judgeClaim(container: ClaimedContainer, { object, adopterHeldMs }: Evidence, timing: Timing): Verdict {
  const { claimUid, sandboxName, namespace, endingSinceMs } = container;
  if (sandboxName === '' || namespace === '') return { keep: 'unlabelled' };
  if (endingSinceMs !== undefined && timing.nowMs - endingSinceMs < ENDING_MS) return { keep: 'ending' };
  if (object === 'unknown') return { keep: 'unknown' };
  if (object === 'absent') {
    // somebody must have been there to adopt it, all the time
    if (claimUid === '' && adopterHeldMs < timing.orphanTimeoutMs) return { keep: 'nobody-to-adopt' };
    return { remove: 'SandboxNotFound', why: `there is no Sandbox ${namespace}/${sandboxName}` };
  }
  if (claimUid !== '' && claimUid !== object.uid) {
    return { remove: 'ClaimUidDiffers', why: `Sandbox ${namespace}/${sandboxName} is another one by now` };
  }
  return { keep: 'owned' };
}
