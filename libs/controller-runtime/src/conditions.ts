import { type Condition } from '@fsb/api/sandbox';
import { rfc3339 } from '@fsb/kit/times';

export type ConditionInput = Omit<Condition, 'lastTransitionTime'>;

/** Sets one condition, by its type, in a copy of the list. The transition time changes only with `status`. */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  input: ConditionInput,
  now: Date,
): Condition[] {
  const all = conditions ?? [];
  const before = all.find(({ type }) => type === input.type);
  const since = before?.status === input.status ? before.lastTransitionTime : rfc3339(now);
  const condition: Condition = { ...input, lastTransitionTime: since };
  if (!before) return [...all, condition];
  return all.map((each) => (each === before ? condition : each));
}
