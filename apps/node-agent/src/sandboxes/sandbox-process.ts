import { ApiError } from '@fsb/api/errors';
import { checkProcessWords } from '@fsb/api/process-words';
import { type ImageConfig } from '@fsb/containerd/image-store';
import { type ContainerLimits } from '@fsb/containerd/oci-spec';
import { type Claim } from './claim';
import { type AgentCreate } from './create-request';
import { hostnameOf } from './hostname';
import { processArgs } from './process-args';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** launcher.c: MAX_TEXTS */
const MAX_WORDS = 100_000;

/** The first process of a sandbox: the caller's request over the image's config. The launcher resolves the rest. */
export interface SandboxProcess {
  /** the first is looked up in the PATH of `env` */
  readonly args: readonly string[];
  /** `NAME=value`; `HOME` without a value: the launcher sets the user's home */
  readonly env: readonly string[];
  readonly workingDir: string;
  /** as in an image's config */
  readonly user: string;
  /** folders that are made where the image has none */
  readonly volumes: readonly string[];
  readonly hostname: string;
  readonly limits: ContainerLimits;
  /** whether a value comes from the image; says whose fault it is where the value cannot be used */
  readonly fromImage: { readonly workingDir: boolean };
}

/**
 * @param cpuLimit cores: the agent's own limit
 * @throws ApiError invalid_argument where there is no command, or command, args and envs are too long
 */
export function planProcess(
  { request, cpus, pids }: AgentCreate,
  claim: Claim,
  image: ImageConfig,
  cpuLimit: number | undefined,
): SandboxProcess {
  const args = processArgs(image, request.command ?? [], request.args ?? []);
  const workingDir = [request.workingDir, absolute(image.workingDir)].find(Boolean) ?? '/';
  const hostname = hostnameOf(claim.claimName);
  const env = environment(image.env, { HOSTNAME: hostname, HOME: undefined }, request.env ?? {});
  const words = [...env].map(([name, value]) => (value === undefined ? name : `${name}=${value}`));
  checkProcessWords({ args, envs: Object.fromEntries([...env].map(([name, value]) => [name, value ?? ''])) });
  if (args.length + words.length > MAX_WORDS)
    throw new ApiError('invalid_argument', `command, args, envs: must be at most ${MAX_WORDS} words`);
  return {
    ...{ args, workingDir, hostname, user: image.user, volumes: image.volumes },
    env: words,
    limits: { memoryBytes: claim.memoryBytes, cpus: atMost(cpuLimit, cpus), pids },
    fromImage: { workingDir: !request.workingDir },
  };
}

/** An image's folder as an absolute path. Some builders (kaniko) write one relative to the root. */
function absolute(folder: string): string {
  return folder === '' || folder.startsWith('/') ? folder : `/${folder}`;
}

/** The image's variables override the defaults; the caller's override both. */
function environment(
  image: readonly string[],
  defaults: Readonly<Record<string, string | undefined>>,
  own: Readonly<Record<string, string>>,
): Map<string, string | undefined> {
  const all = new Map(Object.entries({ PATH: DEFAULT_PATH, ...defaults }));
  for (const entry of image) {
    const at = entry.indexOf('=');
    if (at > 0) all.set(entry.slice(0, at), entry.slice(at + 1));
  }
  for (const [name, value] of Object.entries(own)) all.set(name, value);
  return all;
}

/** A sandbox that asks for no limit, or for more than its agent has, gets the agent's. */
function atMost(limit: number | undefined, wanted: number | undefined): number | undefined {
  return limit === undefined || wanted === undefined ? (wanted ?? limit) : Math.min(limit, wanted);
}
