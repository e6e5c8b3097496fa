import { FailurePolicy } from '@fsb/api/gen/fastpath/v1/fastpath';

export type PolicyName = 'manual' | 'auto-recreate';

export function failurePolicy(name: PolicyName): FailurePolicy {
  return name === 'manual' ? FailurePolicy.MANUAL : FailurePolicy.AUTO_RECREATE;
}
