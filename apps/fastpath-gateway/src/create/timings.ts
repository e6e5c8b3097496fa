import { type Stage } from '@fsb/agent-api/agent-api';

/** JSON `[{name, ms}]`, to the hundredth of a millisecond: more digits say nothing, and each object has them. */
export function timingsOf(stages: readonly Stage[]): string {
  return JSON.stringify(stages.map(({ name, ms }) => ({ name, ms: Math.round(ms * 100) / 100 })));
}
