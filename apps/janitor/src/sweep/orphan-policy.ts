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
  /** which of its object's containers it is; 0 is the first */
  readonly attempt: number;
  /** Unix ms; undefined: it still waits for its sandbox */
  readonly claimedAtMs: number | undefined;
  /** Unix ms when the grace period of its end is over; undefined: nobody ends it */
  readonly endsByMs: number | undefined;
}

/** What an object says of the container that it has. */
export interface ObjectFacts {
  readonly uid: string;
  /** empty: it has none yet */
  readonly sandboxId: string;
  readonly attempt: number;
}

/** `unknown`: nobody answered. Nothing is ever removed for it. */
export type AgentPresence = 'present' | 'gone' | 'unknown';
export type ObjectPresence = ObjectFacts | 'absent' | 'unknown';

export interface Evidence {
  readonly agent: AgentPresence;
  readonly object: ObjectPresence;
  /** how long the sandbox-controller's Lease has been seen held without a gap, until now */
  readonly adopterHeldMs: number;
}

export type RemovalReason = 'AgentPodGone' | 'SandboxNotFound' | 'ClaimUidDiffers' | 'StaleAttempt' | 'NameTaken';
export type KeepReason = 'young' | 'ending' | 'owned' | 'unknown' | 'unlabelled' | 'nobody-to-adopt';
export interface Removal {
  readonly remove: RemovalReason;
  readonly why: string;
  /** Its agent serves and the sandbox-controller ends it in order: only where it is seen so for the whole timeout. */
  readonly onlyIfItStays?: true;
}
export type Verdict = Removal | { readonly keep: KeepReason };

export interface Timing {
  readonly nowMs: number;
  readonly orphanTimeoutMs: number;
}

/** After its grace period, for SIGKILL and its removal: until then a container that is being ended is its agent's. */
const REMOVAL_MS = 20_000;

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
  const { claimUid, sandboxName, namespace, endsByMs } = container;
  if (sandboxName === '' || namespace === '') return { keep: 'unlabelled' };
  if (endsByMs !== undefined && timing.nowMs < endsByMs + REMOVAL_MS) return { keep: 'ending' };
  if (object === 'unknown') return { keep: 'unknown' };
  const verdict = object === 'absent' ? absent(container) : judgeAgainst(container, object);
  // somebody must have been there to adopt it, all the time
  const isUnadopted = claimUid === '' && adopterHeldMs < timing.orphanTimeoutMs;
  return 'remove' in verdict && isUnadopted ? { keep: 'nobody-to-adopt' } : verdict;
}

function absent({ namespace, sandboxName }: ClaimedContainer): Verdict {
  return { remove: 'SandboxNotFound', why: `there is no Sandbox ${namespace}/${sandboxName}` };
}

function judgeAgainst({ claimUid, sandboxId, attempt, ...names }: ClaimedContainer, object: ObjectFacts): Verdict {
  const name = `Sandbox ${names.namespace}/${names.sandboxName}`;
  if (claimUid !== '' && claimUid !== object.uid) {
    return { remove: 'ClaimUidDiffers', why: `${name} is another one by now` };
  }
  if (sandboxId === object.sandboxId) return { keep: 'owned' };
  if (claimUid === '') {
    if (object.sandboxId === '') return { keep: 'owned' };
    return { remove: 'NameTaken', why: `${name} has ${object.sandboxId}`, onlyIfItStays: true };
  }
  if (attempt >= object.attempt) return { keep: 'owned' };
  return { remove: 'StaleAttempt', why: `${name} is at attempt ${object.attempt} by now`, onlyIfItStays: true };
}
