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
  containerdSocket: flag(path('/run/containerd/containerd.sock'), "Path of containerd's socket on the nodes"),
  containerdRoot: flag(path('/var/lib/containerd'), "Path of containerd's root folder on the nodes"),
  agentCaCertFile: flag(path('/etc/fast-sandbox/agent-ca/tls.crt'), 'CA of agents and their callers: certificate, PEM'),
  agentCaKeyFile: flag(path('/etc/fast-sandbox/agent-ca/tls.key'), 'CA of agents and their callers: private key, PEM'),
  agentTlsDir: flag(
    path('/etc/fast-sandbox/agent-tls'),
    'Folder in agent Pods for their certificates; each Pod has one in it, <namespace>.<Pod>',
  ),
  agentLogDir: flag(path('/var/log/fast-sandbox'), "Folder of the sandboxes' logs on the nodes"),
  agentRunDir: flag(path('/run/fast-sandbox'), "Folder of the sandboxes' own files on the nodes"),
  runtimeBinary: flag(z.string().optional(), "Path of runc or crun on the nodes. Unset: containerd's own setting."),
  agentWarmContainers: flag(
    wholeNumber(0, 9999).default(WARM_CONTAINERS),
    'Standby containers on each agent. A pool whose warmImages ask for more gets more. 0: none for any pool.',
  ),
  agentBuild: flag(
    z.string().default(''),
    'Version of the agent program, if the image name does not carry it. A change replaces agents as they become idle.',
  ),
  agentAllowedRegistries: flag(
    allowedRegistriesFlag.schema,
    "Registries whose images agents may run. Set it to the other services' --allowed-registries.",
  ),
  agentRegistryAddresses: flag(
    z.string().default(''),
    'Address ranges that registries may have although they are loopback, link-local or blocked, as in 127.0.0.0/8,::1',
  ),
  agentPriorityClass: flag(z.string().optional(), 'PriorityClass of agent Pods whose template names none'),
  agentPort: agentClientFlags.agentPort,
  agentProbePort: flag(port().default(9091), 'Port of the agents for probes and metrics'),
};
export type PoolControllerConfig = ConfigOf<typeof poolControllerFlags>;
