/** A sandbox's or standby container, as its labels describe it. */
export interface LabelledContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly namespace: string;
  readonly sandboxName: string;
  readonly agentName: string;
  readonly agentUid: string;
  /** empty: unbound */
  readonly claimUid: string;
  /** which of its object's containers this is; 0 is the first */
  readonly attempt: number;
  /** Unix ms; undefined: a standby container */
  readonly claimedAtMs: number | undefined;
  /** Unix ms at which its grace period ends; undefined: it is not being terminated */
  readonly endsByMs: number | undefined;
}

/** A Sandbox object's facts about its container. */
export interface ObjectFacts {
  readonly uid: string;
  /** empty: no container is known to have been made */
  readonly sandboxId: string;
  readonly attempt: number;
}

/** `unknown`: there was no definite answer. It never leads to a removal. */
export type AgentPresence = 'present' | 'gone' | 'unknown';
export type ObjectPresence = ObjectFacts | 'absent' | 'unknown';

export interface Evidence {
  readonly agent: AgentPresence;
  readonly object: ObjectPresence;
  /** milliseconds for which the sandbox-controller's Lease has been seen held without a gap, until now */
  readonly adopterHeldMs: number;
}

export type RemovalReason = 'AgentPodGone' | 'SandboxNotFound' | 'ClaimUidDiffers' | 'StaleAttempt' | 'NameTaken';
export type KeepReason = 'young' | 'ending' | 'owned' | 'unknown' | 'unlabelled' | 'nobody-to-adopt';
export interface Removal {
  readonly remove: RemovalReason;
  readonly why: string;
  /** Only after the whole orphan timeout: its agent serves, and the sandbox-controller is about to end it in order. */
  readonly onlyIfItStays?: true;
}
export type Verdict = Removal | { readonly keep: KeepReason };

export interface Timing {
  readonly nowMs: number;
  readonly orphanTimeoutMs: number;
}

/** Allowance after the grace period for SIGKILL and removal, during which the container is still left to its agent. */
const REMOVAL_MS = 20_000;

/** Whether a claim is too young to judge: its create may be in flight. The evidence need not be read either. */
export function isYoung({ claimedAtMs }: LabelledContainer, { nowMs, orphanTimeoutMs }: Timing): boolean {
  return claimedAtMs !== undefined && nowMs - claimedAtMs < orphanTimeoutMs;
}

/** Whether a container is an orphan. Pure: the table of cases is its specification. */
export function judge(container: LabelledContainer, evidence: Evidence, timing: Timing): Verdict {
  const { agentUid, agentName, claimedAtMs } = container;
  if (agentUid === '' || agentName === '') return { keep: 'unlabelled' };
  if (isYoung(container, timing)) return { keep: 'young' };
  if (evidence.agent === 'gone') return { remove: 'AgentPodGone', why: `its agent ${agentName} is gone` };
  if (evidence.agent === 'unknown') return { keep: 'unknown' };
  if (claimedAtMs === undefined) return { keep: 'owned' };
  return judgeClaim(container, evidence, timing);
}

function judgeClaim(container: LabelledContainer, { object, adopterHeldMs }: Evidence, timing: Timing): Verdict {
  const { claimUid, sandboxName, namespace, endsByMs } = container;
  if (sandboxName === '' || namespace === '') return { keep: 'unlabelled' };
  if (endsByMs !== undefined && timing.nowMs < endsByMs + REMOVAL_MS) return { keep: 'ending' };
  if (object === 'unknown') return { keep: 'unknown' };
  const verdict = object === 'absent' ? absent(container) : judgeAgainst(container, object);
  // an adopter must have been there for the whole timeout
  const isUnadopted = claimUid === '' && adopterHeldMs < timing.orphanTimeoutMs;
  return 'remove' in verdict && isUnadopted ? { keep: 'nobody-to-adopt' } : verdict;
}

function absent({ namespace, sandboxName }: LabelledContainer): Verdict {
  return { remove: 'SandboxNotFound', why: `there is no Sandbox ${namespace}/${sandboxName}` };
}

function judgeAgainst({ claimUid, sandboxId, attempt, ...names }: LabelledContainer, object: ObjectFacts): Verdict {
  const name = `Sandbox ${names.namespace}/${names.sandboxName}`;
  if (claimUid !== '' && claimUid !== object.uid) {
    return { remove: 'ClaimUidDiffers', why: `${name} has another uid now` };
  }
  if (sandboxId === object.sandboxId) return { keep: 'owned' };
  if (claimUid === '') {
    if (object.sandboxId === '') return { keep: 'owned' };
    return { remove: 'NameTaken', why: `${name} has ${object.sandboxId}`, onlyIfItStays: true };
  }
  if (attempt >= object.attempt) return { keep: 'owned' };
  return { remove: 'StaleAttempt', why: `${name} is at attempt ${object.attempt} now`, onlyIfItStays: true };
}
