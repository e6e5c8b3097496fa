import { ApiError, type ErrorCode } from '@fsb/api/errors';
import { type Sandbox } from '@fsb/api/sandbox';

/** Codes of final reasons for which a sandbox never ran; any other is failed_precondition. */
const FAILURES: Readonly<Record<string, ErrorCode>> = {
  CommandNotFound: 'not_found',
  InvalidSpec: 'invalid_argument',
};
/** Codes of reasons that fail the call at once, although the sandbox-controller goes on trying. */
const HOPELESS: Readonly<Record<string, ErrorCode>> = {
  ImagePullFailed: 'not_found',
  ErrImageNeverPull: 'not_found',
  PoolNotFound: 'not_found',
};

/**
 * The outcome of a STRONG create, from its object. Pure.
 * @param sandbox undefined: it was deleted
 * @returns the sandbox when it runs or ran; the error when it will not run; undefined while that is open
 */
export function strongOutcome(sandbox: Sandbox | undefined, name: string): Sandbox | ApiError | undefined {
  if (!sandbox || sandbox.metadata.deletionTimestamp !== undefined) return ended(name);
  const { phase = 'Pending', exitCode } = sandbox.status ?? {};
  if (phase === 'Running' || phase === 'Succeeded' || exitCode !== undefined) return sandbox;
  return phase === 'Expired' ? ended(name) : failure(sandbox, name);
}

/** @returns undefined while the sandbox may still run */
function failure({ spec, status = {} }: Sandbox, name: string): ApiError | undefined {
  const { phase = 'Pending', reason = '', message = reason } = status;
  const isOver = phase === 'Failed' || (phase === 'Lost' && spec.failurePolicy !== 'AutoRecreate');
  const code = isOver ? (FAILURES[reason] ?? 'failed_precondition') : HOPELESS[reason];
  return code && new ApiError(code, `sandbox "${name}" does not run (${phase}): ${message}`);
}

function ended(name: string): ApiError {
  return new ApiError('aborted', `sandbox "${name}" was ended before it ran`);
}
