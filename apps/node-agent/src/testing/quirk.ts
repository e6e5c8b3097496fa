import { type ImageConfig } from './image-archive';
import { type TarEntry } from './tar';

/**
 * Whose rule a row follows. `docker`: podman does the same in the same run. `CRI`: containerd's CRI, where it differs from
 * docker. `ours`: neither's, for the reason that `why` says.
 */
export type Rule = 'docker' | 'CRI' | 'ours';

/** An image that is odd in one way. */
export interface QuirkImage {
  readonly layers: readonly (readonly TarEntry[])[];
  readonly config?: ImageConfig;
}

export interface QuirkRequest {
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What an image, or a command in it, does in a sandbox, warm and cold. */
export interface Quirk {
  readonly name: string;
  readonly image: string;
  readonly rule: Rule;
  readonly why?: string;
  readonly request?: QuirkRequest;

  /** its whole output */
  readonly prints?: string;
  readonly exitCode?: number;
  /** the answer's code, and what its message must say: no process then */
  readonly refused?: readonly [code: string, message: RegExp];
}

export const SHELL: ImageConfig = { Env: ['PATH=/bin'], Cmd: ['/bin/sh'] };
export const shell = (script: string): QuirkRequest => ({ command: ['/bin/sh', '-c', script] });
