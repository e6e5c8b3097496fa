import { agentClientFlags } from '@fsb/agent-api/agent-client-flags';
import { type ConfigOf, flag, port, wholeNumber } from '@fsb/component-base/config';
import { allowedRegistriesFlag } from '@fsb/component-base/registry-flag';
import { leaderElectionFlags } from '@fsb/controller-runtime/controller-host';
import { kubeFlags } from '@fsb/controller-runtime/kube.module';
import { z } from 'zod';
import { WARM_CONTAINERS } from './pools/agent-pod';

const path = (fallback: string): z.ZodType<string, string | undefined> =>
  z.string().startsWith('/', 'must be an absolute path').default(fallback);

export const poolControllerFlags = {
  ...kubeFlags,
  ...leaderElectionFlags,
  containerdSocket: flag(path('/run/containerd/containerd.sock'), "containerd's socket on the nodes"),
  containerdRoot: flag(path('/var/lib/containerd'), "containerd's root on the nodes"),
  agentCaCertFile: flag(path('/etc/fast-sandbox/agent-ca/tls.crt'), 'CA that signs the agents and their callers, PEM'),
  agentCaKeyFile: flag(path('/etc/fast-sandbox/agent-ca/tls.key'), 'Its private key, PEM'),
  agentTlsDir: flag(
    path('/etc/fast-sandbox/agent-tls'),
    "Where each agent finds its own certificate, in a folder of its Pod's name",
  ),
  agentLogDir: flag(path('/var/log/fast-sandbox'), "Where the sandboxes' logs are on the nodes"),
  agentRunDir: flag(path('/run/fast-sandbox'), "Where the sandboxes' own files are on the nodes"),
  runtimeBinary: flag(z.string().optional(), 'runc or crun on the nodes; absent: what containerd is set to'),
  agentWarmContainers: flag(
    wholeNumber(0, 9999).default(WARM_CONTAINERS),
    'How many containers may wait for sandboxes on each agent, or as many as its pool names; 0: none at all',
  ),
  agentBuild: flag(
    z.string().default(''),
    'What the agents run, where the name of their image does not say: where it changes, agents are replaced once they are idle',
  ),
  agentAllowedRegistries: flag(
    allowedRegistriesFlag.schema,
    'Registries whose images the agents run, as the other services have it in --allowed-registries',
  ),
  agentRegistryAddresses: flag(
    z.string().default(''),
    "Ranges of the nodes' loopback, link-local and blocked addresses that registries may be at, as in 127.0.0.0/8,::1",
  ),
  agentPriorityClass: flag(z.string().optional(), 'The PriorityClass of agents whose pool names none'),
  agentPort: agentClientFlags.agentPort,
  agentProbePort: flag(port().default(9091), 'Where the agents serve probes and metrics'),
};
export type PoolControllerConfig = ConfigOf<typeof poolControllerFlags>;
