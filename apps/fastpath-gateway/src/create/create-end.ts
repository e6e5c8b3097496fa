/** Progress of a create: no agent or API server was asked yet; one was, and may have acted; the sandbox is made. */
export type CreateProgress = 'before' | 'asked' | 'made';
/** Why a create is given up: its sandbox was deleted, its caller left, or its deadline passed. */
export type GiveUpCause = 'deleted' | 'left' | 'late';
/** What happens to the sandbox of a create that is given up. */
export type CreateEnd = 'nothing' | 'goes on' | 'removed';

/**
 * The end of a create that is given up. A delete wins at every step. A caller that left may come back for a findable
 * sandbox, so that one goes on; any other is removed. Pure.
 * @param isFindable whether the caller chose a name or a request_id
 */
export function endOfCreate(progress: CreateProgress, cause: GiveUpCause, isFindable: boolean): CreateEnd {
  if (progress === 'before') return 'nothing';
  return cause === 'deleted' || !isFindable ? 'removed' : 'goes on';
}
