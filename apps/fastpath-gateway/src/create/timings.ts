import { type Stage } from '@fsb/agent-api/agent-api';

/**
 * Stages as JSON `[{name, ms}]`, rounded to hundredths of a millisecond: every object carries them, and further digits
 * mean nothing.
 */
export function timingsOf(stages: readonly Stage[]): string {
  return JSON.stringify(stages.map(({ name, ms }) => ({ name, ms: Math.round(ms * 100) / 100 })));
}
