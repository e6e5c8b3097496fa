import { posix } from 'node:path';
import { ApiError } from '@fsb/api/errors';
import { type ImageConfig } from './image-store';
import { type RootFiles } from './root-files';

/**
 * Entrypoint and cmd as in Kubernetes: `command` replaces the entrypoint and drops the image's cmd, `args` replaces the cmd.
 * @throws ApiError invalid_argument when nothing is left to run
 */
export function processArgs(
  image: Pick<ImageConfig, 'entrypoint' | 'cmd'>,
  command: readonly string[],
  args: readonly string[],
): string[] {
  const entrypoint = command.length > 0 ? command : image.entrypoint;
  const rest = args.length > 0 ? args : command.length > 0 ? [] : image.cmd;
  const all = [...entrypoint, ...rest];
  if (all.length === 0 || all[0] === '') {
    throw new ApiError('invalid_argument', 'command: is required, the image has neither an entrypoint nor a cmd');
  }
  return all;
}

/**
 * Makes sure, before anything is created, that the image has the command.
 * @returns its path in the container
 * @throws ApiError not_found
 */
export async function findExecutable(
  argv0: string,
  path: string,
  workingDir: string,
  files: RootFiles,
): Promise<string> {
  const candidates = argv0.includes('/')
    ? [posix.resolve('/', workingDir, argv0)]
    : path.split(':').map((folder) => posix.resolve('/', workingDir, folder, argv0));
  for (const candidate of candidates) {
    const entry = await files.stat(candidate);
    if (entry?.stats.isFile() && (entry.stats.mode & 0o111) !== 0) return candidate;
  }
  const where = argv0.includes('/') ? '' : ` (searched ${path})`;
  throw new ApiError('not_found', `command: "${argv0}" is not an executable file of the image${where}`);
}
