import { type SandboxPhase, type SandboxStatus } from '@fsb/api/sandbox';
import { type Action } from './action';

/** Reasons to wait that are no trouble. */
const CALM: ReadonlySet<string> = new Set(['Creating', 'Waiting', 'Reset', 'Recreate', 'Expired', 'Deleted']);
const TROUBLE: ReadonlySet<SandboxPhase> = new Set(['Failed', 'Lost']);
const WAITING: ReadonlySet<SandboxPhase> = new Set(['Pending', 'Bound', 'Terminating']);

/** The Event that tells of a change of status: of each new phase, and of each new reason to wait. */
export function transitionEvent(before: SandboxStatus | undefined, after: SandboxStatus): Action | undefined {
  const [old, now] = [readyOf(before), readyOf(after)];
  const { phase = 'Pending' } = after;
  if (!now || (before?.phase === phase && (old?.reason === now.reason || !WAITING.has(phase)))) return undefined;
  const trouble = TROUBLE.has(phase) || (WAITING.has(phase) && !CALM.has(now.reason));
  return { type: 'event', level: trouble ? 'Warning' : 'Normal', reason: now.reason, message: now.message };
}

function readyOf(status: SandboxStatus | undefined): { reason: string; message: string } | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}
