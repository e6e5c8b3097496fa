import { type ConfigOf, duration, flag, port } from '@fsb/component-base/config';
import { leaderElectionFlags } from '@fsb/controller-runtime/controller-host';
import { kubeFlags } from '@fsb/controller-runtime/kube.module';
import { z } from 'zod';

export const sandboxControllerFlags = {
  ...kubeFlags,
  ...leaderElectionFlags,
  agentPort: flag(port().default(5758), 'Where the agents serve their API'),
  agentTokenFile: flag(
    z.string().default('/var/lib/fast-sandbox/agent-token'),
    'File with the token that the agents want to see',
  ),
  fastpathOrphanTimeout: flag(
    duration().default(10_000),
    'How long a container without a Sandbox object is left to whoever may still make one, as in 10s',
  ),
};
export type SandboxControllerConfig = ConfigOf<typeof sandboxControllerFlags>;
