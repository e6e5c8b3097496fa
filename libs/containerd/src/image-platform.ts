/** A platform as an image's index or config names it. */
export interface ImagePlatform {
  readonly os: string;
  readonly architecture: string;
  /** empty: the architecture's first version */
  readonly variant: string;
}

/** Node's names of architectures, as images call them. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
/** Other names of the same, as containerd reads them. */
const SYNONYMS: Readonly<Record<string, string>> = { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64' };
/** The variant that an architecture has where none is named. */
const FIRST_VARIANTS: Readonly<Record<string, readonly string[]>> = { amd64: ['v1'], arm64: ['v8', '8'] };

/** @param arch `process.arch` */
export function ownArchitecture(arch: string = process.arch): string {
  return GO_ARCHITECTURES[arch] ?? arch;
}

/**
 * Whether an image of that platform runs here, as containerd's matcher says. Later variants of the architecture (amd64 v3)
 * do not match, nor does its 32-bit ancestor, whose system calls sandboxes are refused. Pure.
 * @param arch `process.arch`
 */
export function isOwnPlatform({ os, architecture, variant }: ImagePlatform, arch: string = process.arch): boolean {
  const lower = architecture.toLowerCase();
  const normalised = SYNONYMS[lower] ?? lower;
  const isFirst = variant === '' || (FIRST_VARIANTS[normalised]?.includes(variant.toLowerCase()) ?? false);
  return (os === '' || os.toLowerCase() === 'linux') && normalised === ownArchitecture(arch) && isFirst;
}
