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
/** With normalised names. */
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
  podName: flag(z.string(), "The agent Pod's name: its id"),
  podUid: flag(z.string(), "The agent Pod's uid: its containers carry it"),
  podIp: flag(z.string().default('127.0.0.1'), "The agent Pod's address: the sandboxes' too"),
  nodeName: flag(z.string(), 'The node that the agent runs on'),
  namespace: flag(z.string().default('default'), "The agent Pod's namespace", 'NAMESPACE'),
  installation: flag(z.string(), "uid of the cluster's kube-system namespace"),
  httpPort: flag(port().default(5758), "Where the agent's API is served, over mutual TLS", 'AGENT_PORT'),
  healthProbeBindAddress: flag(
    address().default({ host: '0.0.0.0', port: 9091 }),
    'Where /healthz and /readyz are served; equal to the metrics address: one listener',
  ),
  tlsDir: flag(
    z.string().default('/etc/fast-sandbox/agent-tls'),
    'Folder with tls.crt and tls.key of this agent, and ca.crt that signs its callers; read anew when they change',
  ),
  agentCapacity: flag(wholeNumber(1, 9999).default(5), 'How many sandboxes at once'),
  memoryLimit: flag(quantity.optional(), 'Memory for all sandboxes and the agent, as a quantity'),
  ephemeralStorageLimit: flag(quantity.optional(), 'What all sandboxes together may write, as a quantity'),
  sandboxStorage: flag(
    quantity.prefault('10Gi'),
    'What a sandbox may write, its log too, where neither it nor the limit of all says so',
  ),
  storageInterval: flag(duration().default(10_000), 'How often what sandboxes have written is measured'),
  minFreeStorage: flag(
    quantity.prefault('1Gi'),
    'Free space kept on the file system of the snapshots of containerd; where there is less, the sandbox that has grown most is ended; 0: none is kept',
  ),
  maxPids: flag(
    wholeNumber(1, 2 ** 22).optional(),
    "Processes that a sandbox may ask for at most; absent: 4096, or an equal share of the node's where that is less",
  ),
  maxMemory: flag(quantity.optional(), "Memory that a sandbox may ask for at most, as a quantity; absent: the node's"),
  maxEphemeralStorage: flag(quantity.prefault('1Ti'), 'What a sandbox may ask to write at most, as a quantity'),
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
      .refine(
        (type) => type === 'container',
        'is not what this agent runs: the pool\'s runtimeType must be "container"',
      ),
    'What sandboxes are: container',
  ),
  runtimeBinary: flag(z.string().optional(), 'runc or crun; absent: what containerd is set to'),
  sandboxesPerShim: flag(
    wholeNumber(1, 9999).default(4),
    'How many sandboxes share one shim, and end with it where it is killed; 1: none',
  ),
  warmContainers: flag(
    wholeNumber(0, 9999).default(16),
    'How many containers may wait for sandboxes, of all images together; 0: none',
  ),
  warmImages: flag(
    z.string().default('[]').transform(parseWarmImages),
    'Images that have waiting containers whether they are asked for or not, as JSON',
  ),
  launcher: flag(
    z.string().default(join(packageRoot(), 'bin/fsb-launcher')),
    "Every container's first process, which becomes the sandbox's: a static program",
  ),
  logWriter: flag(
    z.string().default(join(packageRoot(), 'bin/fsb-logger')),
    "The program that writes a sandbox's log, and lives as long as its container: a static program",
  ),
  logDir: flag(z.string().default('/var/log/fast-sandbox'), "Where the sandboxes' logs are written"),
  logMaxSize: flag(
    quantity.prefault('10Mi'),
    'A quarter of what is kept of a log: one that grows larger than four times this loses its oldest lines, down to three times',
  ),
  endedLogsPerNamespace: flag(
    quantity.prefault('256Mi'),
    'Logs of ended sandboxes that a namespace keeps on a node while their objects stay, each counted as 64 KiB at least; the oldest ended go first',
  ),
  endedLogsPerNode: flag(quantity.prefault('1Gi'), 'Logs of ended sandboxes that a node keeps, of all namespaces'),
  logSweepInterval: flag(
    duration().default(1000),
    "How often the logs' sizes are looked at; sooner where one grows fast",
  ),
  runDir: flag(z.string().default('/run/fast-sandbox'), "Where the sandboxes' own files are kept"),
  seccompProfile: flag(z.string().default('/usr/share/containers/seccomp.json'), 'The seccomp profile of sandboxes'),
  networkNamespace: flag(z.string().optional(), "Path of the sandboxes' network namespace; absent: the agent's own"),
  blockedAddresses: flag(
    z.string().default(METADATA_ADDRESSES).transform(parseBlocked),
    "Addresses and ranges that nobody reaches from the sandboxes' network: the clouds' metadata services; none: all are",
  ),
  cgroupParent: flag(
    z.string().optional(),
    "Where `sandboxes`, the cgroup of all sandboxes, is made; absent: beside the agent's own",
  ),
  openFiles: flag(
    wholeNumber(64, 2 ** 30).default(1_048_576),
    'How many files a process of a sandbox may have open at once (hard limit); less where the node allows less',
  ),
  imagePullCredentialsVerificationPolicy: flag(
    z.enum(VERIFICATION_POLICIES).default('NeverVerifyPreloadedImages'),
    'Whose images of the node a sandbox gets only where its namespace or credentials have pulled them: NeverVerify (nobody is asked), NeverVerifyPreloadedImages (those that came from a registry), AlwaysVerify',
  ),
  allowedRegistries: allowedRegistriesFlag,
  registryAddresses: flag(
    z.string().default('').transform(parseOpened),
    'Addresses and ranges of loopback, link-local and --blocked-addresses that images are pulled from all the same, as in 127.0.0.0/8,::1',
  ),
  maxImagePulls: flag(wholeNumber(1, 1000).default(16), 'How many images are pulled at once; more are refused for now'),
  maxImagePullsPerNamespace: flag(wholeNumber(1, 1000).default(8), 'How many of them for one namespace'),
  imagePullProgressTimeout: flag(
    duration().default(60_000),
    'A pull of which nothing comes for so long, and nothing is unpacked, is ended',
  ),
  maxImageSize: flag(
    quantity.prefault('20Gi'),
    'What an image that is pulled may have, its layers unpacked, as a quantity; a larger one leaves nothing behind',
  ),
  pull: flag(boolean().default(true), 'Pull images that the node does not have'),
};
export type AgentConfig = ConfigOf<typeof agentFlags>;
