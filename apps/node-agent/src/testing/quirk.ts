import { type ArchiveConfig } from './image-archive';
import { type TarEntry } from './tar';

/**
 * The rule that a row follows. `docker`: podman does the same in the same run. `CRI`: containerd's CRI, where it
 * differs from docker. `ours`: neither, for the reason in `why`.
 */
export type Rule = 'docker' | 'CRI' | 'ours';

/** An image that is odd in one way. */
export interface QuirkImage {
  readonly layers: readonly (readonly TarEntry[])[];
  readonly config?: ArchiveConfig;
}

export interface QuirkRequest {
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The expected behaviour of an image, or of a command in it, in a sandbox; the same warm and cold. */
export interface Quirk {
  readonly name: string;
  readonly image: string;
  readonly rule: Rule;
  readonly why?: string;
  readonly request?: QuirkRequest;

  /** its whole output */
  readonly prints?: string;
  readonly exitCode?: number;
  /** code and message of the refusal, where no process runs */
  readonly refused?: readonly [code: string, message: RegExp];
}

export const SHELL: ArchiveConfig = { Env: ['PATH=/bin'], Cmd: ['/bin/sh'] };
export const shell = (script: string): QuirkRequest => ({ command: ['/bin/sh', '-c', script] });
