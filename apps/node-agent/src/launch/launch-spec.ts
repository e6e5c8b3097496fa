import { CAPABILITIES, buildSpec, type SpecInput } from '@fsb/containerd/oci-spec';
import { type OciSeccomp } from '@fsb/containerd/seccomp-profile';
import { LAUNCH_MOUNT } from './launch-folder';

/** Capabilities of the launcher. Beyond the user's process it sets the hostname, mounts, and drops its bounding set. */
const LAUNCHER_CAPABILITIES = [...CAPABILITIES, 'CAP_SYS_ADMIN', 'CAP_SETPCAP'];
const LAUNCHER_CALLS = ['sethostname', 'mount', 'umount2'];

/**
 * Allows the launcher's system calls. The user's process may try them too, but lacks the capability: EPERM, as from the
 * filter.
 */
export function launcherSeccomp(seccomp: OciSeccomp): OciSeccomp {
  const others = seccomp.syscalls.map(({ names, ...rule }) => ({
    ...rule,
    names: names.filter((name) => !LAUNCHER_CALLS.includes(name)),
  }));
  const rule = { names: LAUNCHER_CALLS, action: 'SCMP_ACT_ALLOW' };
  return { ...seccomp, syscalls: [rule, ...others.filter(({ names }) => names.length > 0)] };
}

export type LaunchSpecInput = Pick<SpecInput, 'limits' | 'openFiles' | 'networkNamespace' | 'cgroupsPath'> & {
  /** of {@link launcherSeccomp}: always the same object, whose compiled filter is cached */
  readonly seccomp: OciSeccomp;
  /** on the host */
  readonly launchFolder: string;
};

/** The OCI spec of every container. It runs the launcher, which becomes the process that its order names. Pure. */
export function launchSpec({ launchFolder, ...input }: LaunchSpecInput): Record<string, unknown> {
  const options = ['rbind', 'rprivate', 'ro', 'nosuid', 'nodev'];
  return buildSpec({
    ...input,
    args: [`${LAUNCH_MOUNT}/launcher`],
    env: ['HOME=/'], // else runtimes look it up in the image's files, which are untrusted
    workingDir: '/',
    hostname: 'waiting',
    capabilities: LAUNCHER_CAPABILITIES,
    mounts: [{ destination: LAUNCH_MOUNT, type: 'bind', source: launchFolder, options }],
  });
}
