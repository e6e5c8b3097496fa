import { agentClientFlags } from '@fsb/agent-api/agent-client-flags';
import { boolean, type ConfigOf, duration, flag } from '@fsb/component-base/config';
import { allowedRegistriesFlag } from '@fsb/component-base/registry-flag';
import { leaderElectionFlags } from '@fsb/controller-runtime/controller-host';
import { kubeFlags } from '@fsb/controller-runtime/kube.module';

export const sandboxControllerFlags = {
  ...kubeFlags,
  ...leaderElectionFlags,
  ...agentClientFlags,
  allowedRegistries: allowedRegistriesFlag,
  fastpathOrphanTimeout: flag(
    duration().default(10_000),
    'Time before a container without a Sandbox object is ended, unless it is adopted, as in 10s',
  ),
  countQuotaObjects: flag(
    boolean().default(false),
    'Also write the number of sandboxes to the status of ResourceQuotas. For API servers without a quota controller.',
  ),
};
export type SandboxControllerConfig = ConfigOf<typeof sandboxControllerFlags>;
