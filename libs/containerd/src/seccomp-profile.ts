/** A seccomp profile of containers-common or Docker, in JSON. Its rules depend on capabilities and architecture. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly archMap?: readonly { architecture: string; subArchitectures?: readonly string[] }[];
  readonly syscalls: readonly SeccompRule[];
}

interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly args?: readonly SeccompArgument[] | null;
  readonly errnoRet?: number;
  readonly includes?: SeccompFilter;
  readonly excludes?: SeccompFilter;
}
interface SeccompArgument {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: string;
}
interface SeccompFilter {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  readonly minKernel?: string;
}

export interface OciSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly {
    readonly names: readonly string[];
    readonly action: string;
    readonly errnoRet?: number;
    readonly args?: readonly SeccompArgument[];
  }[];
}

/** Architectures by Node's names, as Go (in the profile's filters) and libseccomp (in the OCI spec) name them. */
const ARCHITECTURES: Readonly<Record<string, { go: string; seccomp: string }>> = {
  x64: { go: 'amd64', seccomp: 'SCMP_ARCH_X86_64' },
  arm64: { go: 'arm64', seccomp: 'SCMP_ARCH_AARCH64' },
};

/**
 * Resolves a profile to the OCI runtime spec's form, for one set of capabilities. Rules by minKernel are not filtered.
 * @param arch `process.arch`: x64 or arm64
 * @throws RangeError for another architecture
 */
export function toOciSeccomp(profile: SeccompProfile, capabilities: readonly string[], arch: string): OciSeccomp {
  const names = ARCHITECTURES[arch];
  if (!names) throw new RangeError(`no seccomp profile for the architecture ${arch}`);
  const sub = profile.archMap?.find(({ architecture }) => architecture === names.seccomp)?.subArchitectures ?? [];
  const applies = ({ includes, excludes }: SeccompRule): boolean =>
    matchesAll(includes, capabilities, names.go) && !matchesAny(excludes, capabilities, names.go);
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: [names.seccomp, ...sub],
    syscalls: profile.syscalls.filter(applies).map(({ names: calls, action, errnoRet, args }) => ({
      names: calls,
      action,
      ...(errnoRet === undefined ? {} : { errnoRet }),
      ...(args?.length ? { args } : {}),
    })),
  };
}

function matchesAll(filter: SeccompFilter | undefined, capabilities: readonly string[], arch: string): boolean {
  const caps = filter?.caps ?? [];
  const arches = filter?.arches ?? [];
  return caps.every((cap) => capabilities.includes(cap)) && (arches.length === 0 || arches.includes(arch));
}

function matchesAny(filter: SeccompFilter | undefined, capabilities: readonly string[], arch: string): boolean {
  return (filter?.caps ?? []).some((cap) => capabilities.includes(cap)) || (filter?.arches ?? []).includes(arch);
}
