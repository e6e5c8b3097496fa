import { type SandboxPhase } from '@fsb/api/phases';
import { type Condition, type SandboxStatus } from '@fsb/api/sandbox';
import { type Action } from './action';

/** Reasons to wait that are no trouble. */
const CALM: ReadonlySet<string> = new Set(['Creating', 'Waiting', 'Reset', 'Recreate', 'Expired', 'Deleted']);
const TROUBLE: ReadonlySet<SandboxPhase> = new Set(['Failed', 'Lost']);
const WAITING: ReadonlySet<SandboxPhase> = new Set(['Pending', 'Bound', 'Terminating']);
/** In these the reason may change without the phase. */
const CHANGING: ReadonlySet<SandboxPhase> = new Set([...WAITING, 'Running']);

/** The Event that tells of a change of status: of each new phase, and of each new reason to wait. */
export function transitionEvent(before: SandboxStatus | undefined, after: SandboxStatus): Action | undefined {
  const [old, now] = [readyOf(before), readyOf(after)];
  const { phase = 'Pending' } = after;
  if (!now || (before?.phase === phase && (old?.reason === now.reason || !CHANGING.has(phase)))) return undefined;
  const trouble = TROUBLE.has(phase) || now.status === 'Unknown' || (WAITING.has(phase) && !CALM.has(now.reason));
  return { type: 'event', level: trouble ? 'Warning' : 'Normal', reason: now.reason, message: now.message };
}

function readyOf(status: SandboxStatus | undefined): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}
