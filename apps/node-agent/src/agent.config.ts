import { join } from 'node:path';
import { address, boolean, type ConfigOf, duration, flag, port, wholeNumber } from '@fsb/component-base/config';
import { allowedRegistriesFlag } from '@fsb/component-base/registry-flag';
import { packageRoot } from '@fsb/component-base/package-root';
import { messageOf } from '@fsb/api/errors';
import { normaliseImage } from '@fsb/api/image-name';
import { parseQuantity } from '@fsb/api/quantity';
import { z } from 'zod';
import { VERIFICATION_POLICIES } from './images/image-access';
import { type AddressRange, METADATA_ADDRESSES, parseRanges } from './network/address-range';

const quantity = z.string().transform((text, context) => {
  try {
    return parseQuantity(text, 'value');
  } catch (error) {
    context.addIssue(messageOf(error));
    return z.NEVER;
  }
});
/** Value of --warm-images, with normalised names. */
const WarmImages = z.array(
  z.strictObject({
    image: z.string().transform((image) => normaliseImage(image)),
    containers: z.int().min(1).max(9999),
  }),
);

function parseWarmImages(text: string, context: z.RefinementCtx<string>): z.infer<typeof WarmImages> {
  try {
    return WarmImages.parse(JSON.parse(text));
  } catch {
    context.addIssue('must be JSON such as [{"image": "busybox", "containers": 2}]');
    return z.NEVER;
  }
}

function parseBlocked(text: string, context: z.RefinementCtx<string>): readonly AddressRange[] {
  const ranges = text === 'none' ? [] : parseRanges(text);
  if (ranges) return ranges;
  context.addIssue('must be none, or addresses and ranges such as 169.254.169.254,fd00:ec2::254,100.64.0.0/10');
  return z.NEVER;
}

function parseOpened(text: string, context: z.RefinementCtx<string>): readonly AddressRange[] {
  const ranges = text === '' ? [] : parseRanges(text);
  if (ranges) return ranges;
  context.addIssue('must be addresses and ranges such as 127.0.0.0/8,::1');
  return z.NEVER;
}

export const agentFlags = {
  podName: flag(z.string(), 'Name of the agent Pod; identifies the agent'),
  podUid: flag(z.string(), 'uid of the agent Pod; labels its containers'),
  podIp: flag(z.string().default('127.0.0.1'), 'Address of the agent Pod and of its sandboxes'),
  nodeName: flag(z.string(), 'The node that the agent runs on'),
  namespace: flag(z.string().default('default'), "The agent Pod's namespace", 'NAMESPACE'),
  installation: flag(z.string(), "uid of the cluster's kube-system namespace"),
  httpPort: flag(port().default(5758), "Port of the agent's API, served over mutual TLS", 'AGENT_PORT'),
  healthProbeBindAddress: flag(
    address().default({ host: '0.0.0.0', port: 9091 }),
    'Address of /healthz and /readyz; if equal to the metrics address, both share one listener',
  ),
  tlsDir: flag(
    z.string().default('/etc/fast-sandbox/agent-tls'),
    'Folder with tls.crt and tls.key of this agent, and ca.crt that signs its callers; reloaded when they change',
  ),
  agentCapacity: flag(wholeNumber(1, 9999).default(5), 'Sandboxes that may run at once (slots)'),
  memoryLimit: flag(quantity.optional(), 'Memory for all sandboxes and the agent together, as a quantity'),
  ephemeralStorageLimit: flag(quantity.optional(), 'Storage that all sandboxes together may write, as a quantity'),
  sandboxStorage: flag(
    quantity.prefault('10Gi'),
    'Storage that a sandbox may write, with its log, if neither its request nor --ephemeral-storage-limit sets it',
  ),
  storageInterval: flag(duration().default(10_000), 'How often the storage of sandboxes is measured'),
  minFreeStorage: flag(
    quantity.prefault('1Gi'),
    'Free space to keep where containerd has its snapshots; below it the sandbox that grew most is evicted; 0: off',
  ),
  maxPids: flag(
    wholeNumber(1, 2 ** 22).optional(),
    "Largest number of processes that a sandbox may ask for; absent: 4096, or an equal share of the node's if less",
  ),
  maxMemory: flag(quantity.optional(), "Largest memory that a sandbox may ask for, as a quantity; absent: the node's"),
  maxEphemeralStorage: flag(quantity.prefault('1Ti'), 'Largest storage that a sandbox may ask for, as a quantity'),
  cpuLimit: flag(quantity.optional(), 'Cores that a sandbox may use at most, as a quantity'),
  containerdSocket: flag(
    z.string().default('/run/containerd/containerd.sock'),
    "containerd's socket",
    'RUNTIME_SOCKET',
  ),
  runtimeType: flag(
    z
      .string()
      .default('container')
      .refine((type) => type === 'container', 'is not supported: the pool\'s runtimeType must be "container"'),
    'Kind of sandboxes; container is the only one',
  ),
  runtimeBinary: flag(z.string().optional(), "Path of runc or crun; absent: containerd's default"),
  sandboxesPerShim: flag(
    wholeNumber(1, 9999).default(4),
    'Sandboxes that share one containerd shim, and end with it if it is killed; 1: no sharing',
  ),
  warmContainers: flag(
    wholeNumber(0, 9999).default(16),
    'Standby containers for warm starts, of all images together; 0: none',
  ),
  warmImages: flag(
    z.string().default('[]').transform(parseWarmImages),
    'Images that always have standby containers, as JSON such as [{"image": "busybox", "containers": 2}]',
  ),
  launcher: flag(
    z.string().default(join(packageRoot(), 'bin/fsb-launcher')),
    "Static program that every container starts with, and that becomes the sandbox's process",
  ),
  logWriter: flag(
    z.string().default(join(packageRoot(), 'bin/fsb-logger')),
    "Static program that writes a sandbox's log, and lives as long as its container",
  ),
  logDir: flag(z.string().default('/var/log/fast-sandbox'), "Folder of the sandboxes' logs"),
  logMaxSize: flag(
    quantity.prefault('10Mi'),
    'A quarter of the largest log: a log of more than four times this size loses its oldest lines, down to three times',
  ),
  endedLogsPerNamespace: flag(
    quantity.prefault('256Mi'),
    'Logs of ended sandboxes that a namespace keeps on a node while their objects stay; each counts as at least 64 KiB; the oldest are removed first',
  ),
  endedLogsPerNode: flag(quantity.prefault('1Gi'), 'Logs of ended sandboxes that a node keeps, for all namespaces'),
  logSweepInterval: flag(
    duration().default(1000),
    'How often the sizes of logs are checked; more often if one grows fast',
  ),
  runDir: flag(z.string().default('/run/fast-sandbox'), "Folder of the sandboxes' own files"),
  seccompProfile: flag(z.string().default('/usr/share/containers/seccomp.json'), 'The seccomp profile of sandboxes'),
  networkNamespace: flag(z.string().optional(), "Path of the sandboxes' network namespace; absent: the agent's own"),
  blockedAddresses: flag(
    z.string().default(METADATA_ADDRESSES).transform(parseBlocked),
    'Addresses and ranges that sandboxes cannot reach; default: metadata services of clouds; none: nothing is blocked',
  ),
  cgroupParent: flag(
    z.string().optional(),
    "Parent of `sandboxes`, the cgroup of all sandboxes; absent: the parent of the agent's own",
  ),
  openFiles: flag(
    wholeNumber(64, 2 ** 30).default(1_048_576),
    'Hard limit of open files of a process in a sandbox; less if the node allows less',
  ),
  imagePullCredentialsVerificationPolicy: flag(
    z.enum(VERIFICATION_POLICIES).default('NeverVerifyPreloadedImages'),
    'Cached images that a sandbox gets only if its namespace or credentials have pulled them: NeverVerify (none), NeverVerifyPreloadedImages (those from a registry), AlwaysVerify (all)',
  ),
  allowedRegistries: allowedRegistriesFlag,
  registryAddresses: flag(
    z.string().default('').transform(parseOpened),
    'Addresses and ranges of loopback, link-local and --blocked-addresses that images may still be pulled from, as in 127.0.0.0/8,::1',
  ),
  maxImagePulls: flag(wholeNumber(1, 1000).default(16), 'Concurrent image pulls; further ones are refused for now'),
  maxImagePullsPerNamespace: flag(wholeNumber(1, 1000).default(8), 'Concurrent image pulls of one namespace'),
  imagePullProgressTimeout: flag(
    duration().default(60_000),
    'A pull that fetches and unpacks nothing for this long is aborted',
  ),
  maxImageSize: flag(
    quantity.prefault('20Gi'),
    'Largest pulled image, with its layers unpacked, as a quantity; a larger one is refused and leaves nothing behind',
  ),
  pull: flag(boolean().default(true), 'Pull images that the node does not have'),
};
export type AgentConfig = ConfigOf<typeof agentFlags>;
