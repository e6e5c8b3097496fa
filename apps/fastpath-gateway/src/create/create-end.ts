/** How far a create has come: no agent and no API server has heard of it, one may have, or it is made. */
export type Progress = 'before' | 'asked' | 'made';
/** Why it is given up: somebody deletes the sandbox, or its caller left or ran out of time. */
export type Cause = 'deleted' | 'left' | 'late';
/** What becomes of the sandbox. */
export type End = 'nothing' | 'goes on' | 'removed';

/**
 * What becomes of a create that is given up. A delete wins at every step. A caller that leaves may come back for what it
 * can name, and never for what it cannot. Pure.
 * @param isFindable by a name that the caller chose, or by its request_id
 */
export function endOfCreate(progress: Progress, cause: Cause, isFindable: boolean): End {
  if (progress === 'before') return 'nothing';
  return cause === 'deleted' || !isFindable ? 'removed' : 'goes on';
}
