import { type SandboxPhase } from '@fsb/api/phases';
import { type Condition, type SandboxStatus } from '@fsb/api/sandbox';
import { type Action } from './action';

/** Reasons of waiting that are Normal Events. */
const CALM: ReadonlySet<string> = new Set(['Creating', 'Waiting', 'Reset', 'Recreate', 'Expired', 'Deleted']);
const TROUBLE: ReadonlySet<SandboxPhase> = new Set(['Failed', 'Lost']);
const WAITING: ReadonlySet<SandboxPhase> = new Set(['Pending', 'Bound', 'Terminating']);
/** Phases in which a new reason is an Event of its own. */
const CHANGING: ReadonlySet<SandboxPhase> = new Set([...WAITING, 'Running']);

/** Event for a change of status: for each new phase, and for each new reason of waiting. */
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
