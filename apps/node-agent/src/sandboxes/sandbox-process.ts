import { findExecutable, processArgs } from '@fsb/containerd/command-lookup';
import { type ImageInfo } from '@fsb/containerd/image-store';
import { type Limits } from '@fsb/containerd/oci-spec';
import { type ProcessUser, resolveUser } from '@fsb/containerd/user-lookup';
import { type Claim } from './claim';
import { type SandboxOrder } from './create-request';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** HOST_NAME_MAX is 64, with its end. */
const MAX_HOSTNAME = 63;

/** The first process of a sandbox: what the caller asked for, over what the image says. */
export interface SandboxProcess {
  readonly args: readonly string[];
  /** the file that is run: a path in the container */
  readonly program: string;
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly workingDir: string;
  readonly user: ProcessUser;
  readonly hostname: string;
  readonly limits: Limits;
}

/**
 * @param cpuLimit cores: the agent's own limit
 * @throws ApiError not_found (command:), invalid_argument
 */
export async function planProcess(
  { request, cpus, pids }: SandboxOrder,
  claim: Claim,
  image: ImageInfo,
  cpuLimit: number | undefined,
): Promise<SandboxProcess> {
  const args = processArgs(image.config, request.command ?? [], request.args ?? []);
  const workingDir = [request.workingDir, image.config.workingDir].find(Boolean) ?? '/';
  const user = await resolveUser(image.config.user, image.files);
  const env = environment(image.config.env, { HOSTNAME: claim.claimName, HOME: user.home ?? '/' }, request.env ?? {});
  const program = await findExecutable(args[0] ?? '', env.get('PATH') ?? DEFAULT_PATH, workingDir, image.files);
  return {
    ...{ args, program, workingDir, user },
    env: [...env].map(([name, value]) => `${name}=${value}`),
    hostname: claim.claimName.slice(0, MAX_HOSTNAME),
    limits: { memoryBytes: claim.memoryBytes, cpus: atMost(cpuLimit, cpus), pids },
  };
}

/** The image's variables over the defaults, the caller's over both. */
function environment(
  image: readonly string[],
  defaults: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): Map<string, string> {
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
