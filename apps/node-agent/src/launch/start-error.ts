import { Logger } from '@nestjs/common';
import { ApiError, isApiError, messageOf } from '@fsb/api/errors';
import { CleanupFailedError } from '@fsb/containerd/runtime-errors';

const logger = new Logger('Runtime');
/** Errors of runc and crun where a file or a link of the image is in the way of a mount. */
const NO_MOUNT_POINT =
  /(?:mount|mkdir|open|create)[^]*?[`'"/ ](proc|sys|dev)\b[^]*?(?:not a directory|symlink|too many levels|file exists|no such file)/i;

/** Errors of runc where it cannot look up the launcher's own user, root, in the image. */
const BAD_USERS = /unable to (?:setup|find) user|unable to find group/;

/**
 * Translates a runtime's failure for the caller. The original message has paths of the node: it goes to the log only.
 */
export function startError(error: unknown): unknown {
  if (error instanceof CleanupFailedError || !isApiError(error, 'internal')) return error;
  const said = messageOf(error);
  logger.warn({ msg: 'a container did not start', error: said });
  const [, folder] = NO_MOUNT_POINT.exec(said) ?? [];
  if (folder !== undefined)
    return new ApiError('failed_precondition', `image: its /${folder} must be a folder, or absent`, { cause: error });
  if (BAD_USERS.test(said))
    return new ApiError('failed_precondition', 'image: its /etc/passwd or /etc/group cannot be read', { cause: error });
  return new ApiError('internal', "the container's runtime did not start it; the agent's log says more", {
    cause: error,
  });
}
