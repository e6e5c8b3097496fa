import { ApiError } from '@fsb/api/errors';
import { type ImageConfig } from '@fsb/containerd/image-store';

/**
 * Entrypoint and cmd as in Kubernetes: `command` replaces the entrypoint and drops the image's cmd, `args` replaces the cmd.
 * @throws ApiError invalid_argument where neither the request nor the image has a command
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
