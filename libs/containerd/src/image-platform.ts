/** A platform, as in an image's index or config. */
export interface ImagePlatform {
  readonly os: string;
  readonly architecture: string;
  /** empty: the architecture's first version */
  readonly variant: string;
}

/** Image names of architectures by Node's names. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
/** Synonyms that containerd accepts. */
const SYNONYMS: Readonly<Record<string, string>> = { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64' };
/** Variants that equal an absent one. */
const FIRST_VARIANTS: Readonly<Record<string, readonly string[]>> = { amd64: ['v1'], arm64: ['v8', '8'] };

/** This machine's architecture, as images name it. @param arch `process.arch` */
export function ownArchitecture(arch: string = process.arch): string {
  return GO_ARCHITECTURES[arch] ?? arch;
}

/**
 * Whether an image of this platform runs here, by containerd's matcher. Later variants of the architecture (amd64 v3)
 * do not match, nor does its 32-bit predecessor: seccomp refuses 32-bit system calls. Pure.
 * @param arch `process.arch`
 */
export function isOwnPlatform({ os, architecture, variant }: ImagePlatform, arch: string = process.arch): boolean {
  const lower = architecture.toLowerCase();
  const normalised = SYNONYMS[lower] ?? lower;
  const isFirst = variant === '' || (FIRST_VARIANTS[normalised]?.includes(variant.toLowerCase()) ?? false);
  return (os === '' || os.toLowerCase() === 'linux') && normalised === ownArchitecture(arch) && isFirst;
}
