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
    'How long a container without a Sandbox object is left to whoever may still make one, as in 10s',
  ),
  countQuotaObjects: flag(
    boolean().default(false),
    'Write the number of sandboxes into the status of ResourceQuotas too, for an API server without a quota controller',
  ),
};
export type SandboxControllerConfig = ConfigOf<typeof sandboxControllerFlags>;
