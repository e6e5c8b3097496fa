import { ConsistencyMode, type CreateRequest, type Resources } from '@fsb/api/gen/fastpath/v1/fastpath';
import { usageError } from './command-error';
import { failurePolicy, type PolicyName } from './failure-policy';

export type ModeFlag = 'fast' | 'strong';
type Pairs = Readonly<Record<string, string>>;

/** Flags of `run`. Times in milliseconds (`wait`), Unix seconds (`expireTime`) or seconds. */
export interface RunFlags {
  readonly image?: string;
  readonly pool?: string;
  readonly mode?: ModeFlag;
  readonly ports?: readonly number[];
  readonly env?: Pairs;
  readonly workdir?: string;
  readonly label?: Pairs;
  readonly cpu?: string;
  readonly memory?: string;
  readonly pids?: string;
  readonly ephemeralStorage?: string;
  readonly expireTime?: number;
  readonly failurePolicy?: PolicyName;
  readonly recoveryTimeout?: number;
  readonly wait?: number;
  readonly gracePeriod?: number;
  readonly imagePullPolicy?: string;
}

/** Content of a sandbox file, in the keys of the Go predecessor. */
export interface SandboxFile {
  readonly image?: string | undefined;
  readonly pool_ref?: string | undefined;
  readonly consistency_mode?: ModeFlag | undefined;
  readonly exposed_ports?: readonly number[] | undefined;
  readonly command?: readonly string[] | undefined;
  readonly args?: readonly string[] | undefined;
  readonly envs?: Pairs | undefined;
  readonly working_dir?: string | undefined;
  readonly labels?: Pairs | undefined;
  readonly resources?: FileResources | undefined;
  // only a Sandbox object has these
  readonly namespace?: string | undefined;
  readonly failure_policy?: PolicyName | undefined;
  readonly recovery_timeout_seconds?: number | undefined;
  readonly termination_grace_period_seconds?: number | undefined;
  readonly image_pull_policy?: string | undefined;
  readonly expire_time_seconds?: number | undefined;
}

interface FileResources {
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
  readonly pids?: string | undefined;
  readonly ephemeral_storage?: string | undefined;
}

interface Target {
  readonly name: string;
  readonly namespace: string;
  /** Words after the name on the command line. They replace the file's command; its args stay. */
  readonly command: readonly string[];
}

/** Default of `--wait`: how long a create waits for room in a pool that may still grow. */
const DEFAULT_WAIT_MS = 30_000;

/**
 * Flags win over the file; variables, labels and limits are merged one by one.
 * @throws CommandError when no image is named, or the file is for another namespace
 */
export function createRequest(target: Target, flags: RunFlags, file: SandboxFile): CreateRequest {
  const image = flags.image ?? file.image;
  if (file.namespace !== undefined && file.namespace !== target.namespace) {
    throw usageError(`metadata.namespace: "${file.namespace}" is not "${target.namespace}": add -n ${file.namespace}`);
  }
  if (image === undefined)
    throw usageError('image: missing: name one with --image, or with the key "image" in the file');
  return {
    name: target.name,
    namespace: target.namespace,
    image,
    ...program(target, flags, file),
    ...placement(flags, file),
    ...lifetime(flags, file),
    labels: { ...file.labels, ...flags.label },
    requestId: '',
    waitSeconds: Math.ceil((flags.wait ?? DEFAULT_WAIT_MS) / 1_000),
    imagePullPolicy: flags.imagePullPolicy ?? file.image_pull_policy ?? '',
  };
}

function program(
  { command }: Target,
  flags: RunFlags,
  file: SandboxFile,
): Pick<CreateRequest, 'command' | 'args' | 'envs' | 'workingDir'> {
  return {
    command: [...(command.length > 0 ? command : (file.command ?? []))],
    args: [...(file.args ?? [])],
    envs: { ...file.envs, ...flags.env },
    workingDir: flags.workdir ?? file.working_dir ?? '',
  };
}

function placement(
  flags: RunFlags,
  file: SandboxFile,
): Pick<CreateRequest, 'poolRef' | 'exposedPorts' | 'consistencyMode' | 'resources'> {
  const mode = flags.mode ?? file.consistency_mode;
  return {
    poolRef: flags.pool ?? file.pool_ref ?? 'default-pool',
    exposedPorts: [...(flags.ports ?? file.exposed_ports ?? [])],
    // absent stays absent: the gateway's default applies, as for the Go predecessor's clients
    consistencyMode: mode && (mode === 'strong' ? ConsistencyMode.STRONG : ConsistencyMode.FAST),
    resources: resources(flags, file.resources ?? {}),
  };
}

function resources(flags: RunFlags, file: FileResources): Resources | undefined {
  const wanted: Resources = {
    cpu: flags.cpu ?? file.cpu ?? '',
    memory: flags.memory ?? file.memory ?? '',
    pids: flags.pids ?? file.pids ?? '',
    ephemeralStorage: flags.ephemeralStorage ?? file.ephemeral_storage ?? '',
  };
  return Object.values(wanted).some((quantity) => quantity !== '') ? wanted : undefined;
}

function lifetime(
  flags: RunFlags,
  file: SandboxFile,
): Pick<
  CreateRequest,
  'expireTimeSeconds' | 'failurePolicy' | 'recoveryTimeoutSeconds' | 'terminationGracePeriodSeconds'
> {
  const policy = flags.failurePolicy ?? file.failure_policy;
  const expireTime = flags.expireTime ?? file.expire_time_seconds;
  return {
    expireTimeSeconds: expireTime === 0 ? undefined : expireTime,
    failurePolicy: policy && failurePolicy(policy),
    recoveryTimeoutSeconds: flags.recoveryTimeout ?? file.recovery_timeout_seconds,
    terminationGracePeriodSeconds: flags.gracePeriod ?? file.termination_grace_period_seconds,
  };
}
