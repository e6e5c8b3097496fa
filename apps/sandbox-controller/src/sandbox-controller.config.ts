import { type ConfigOf, duration, flag, port } from '@fsb/component-base/config';
import { leaderElectionFlags } from '@fsb/controller-runtime/controller-host';
import { kubeFlags } from '@fsb/controller-runtime/kube.module';
import { z } from 'zod';

export const sandboxControllerFlags = {
  ...kubeFlags,
  ...leaderElectionFlags,
  agentPort: flag(port().default(5758), 'Where the agents serve their API'),
  agentTlsDir: flag(
    z.string().default('/etc/fast-sandbox/agent-client'),
    'Folder with tls.crt and tls.key to show to the agents, and ca.crt that signs them; read anew when they change',
  ),
  fastpathOrphanTimeout: flag(
    duration().default(10_000),
    'How long a container without a Sandbox object is left to whoever may still make one, as in 10s',
  ),
};
export type SandboxControllerConfig = ConfigOf<typeof sandboxControllerFlags>;
