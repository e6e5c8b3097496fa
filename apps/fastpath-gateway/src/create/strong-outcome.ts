import { ApiError, type ErrorCode } from '@fsb/api/errors';
import { type Sandbox } from '@fsb/api/sandbox';

/** Why a sandbox that never ran never will. */
const FAILURES: Readonly<Record<string, ErrorCode>> = {
  CommandNotFound: 'not_found',
  InvalidSpec: 'invalid_argument',
};
/** Reasons for which the sandbox-controller goes on trying, while the caller has its answer: it is not to be had now. */
const HOPELESS: Readonly<Record<string, ErrorCode>> = {
  ImagePullFailed: 'not_found',
  ErrImageNeverPull: 'not_found',
  PoolNotFound: 'not_found',
};

/**
 * What the object says to whoever waits for it: the sandbox that runs or ran, why it never will, or nothing while that is open.
 * @param sandbox undefined: it was deleted
 */
export function strongOutcome(sandbox: Sandbox | undefined, name: string): Sandbox | ApiError | undefined {
  if (!sandbox || sandbox.metadata.deletionTimestamp !== undefined) return ended(name);
  const { phase = 'Pending', exitCode } = sandbox.status ?? {};
  if (phase === 'Running' || phase === 'Succeeded' || exitCode !== undefined) return sandbox;
  return phase === 'Expired' ? ended(name) : failure(sandbox, name);
}

/** Undefined while it may still run. */
function failure({ spec, status = {} }: Sandbox, name: string): ApiError | undefined {
  const { phase = 'Pending', reason = '', message = reason } = status;
  const isOver = phase === 'Failed' || (phase === 'Lost' && spec.failurePolicy !== 'AutoRecreate');
  const code = isOver ? (FAILURES[reason] ?? 'failed_precondition') : HOPELESS[reason];
  return code && new ApiError(code, `sandbox "${name}" does not run (${phase}): ${message}`);
}

function ended(name: string): ApiError {
  return new ApiError('aborted', `sandbox "${name}" was ended before it ran`);
}
