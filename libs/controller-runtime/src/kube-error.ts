import { ApiError, type ErrorCode, isApiError, messageOf } from '@fsb/api/errors';

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  408: 'deadline_exceeded',
  409: 'aborted',
  410: 'failed_precondition',
  413: 'invalid_argument',
  415: 'invalid_argument',
  422: 'invalid_argument',
  429: 'unavailable',
  501: 'unimplemented',
};

/** An API server's refusal. `reason` is that of its Status object, as in AlreadyExists. */
export class KubeError extends ApiError {
  constructor(
    readonly status: number,
    readonly reason: string,
    code: ErrorCode,
    message: string,
  ) {
    super(code, message);
  }
}

/** @param body a Status object in JSON, or what a proxy put in its place */
export function kubeError(what: string, status: number, body: string): KubeError {
  const { reason, message } = parseStatus(body);
  const code = reason === 'AlreadyExists' ? 'already_exists' : (CODES[status] ?? 'unavailable');
  return new KubeError(status, reason, code, `${what}: ${message || `HTTP ${status}`}`);
}

/** A call that brought no answer; what it did is unknown. */
export function networkError(what: string, error: unknown): ApiError {
  if (isApiError(error)) return error;
  return new ApiError('unavailable', `${what}: ${messageOf(error)}`, { cause: error });
}

/** The version that a list or watch asked for is gone: list again. */
export function isExpired(error: unknown): boolean {
  return error instanceof KubeError && error.status === 410;
}

function parseStatus(body: string): { reason: string; message: string } {
  try {
    const status: unknown = JSON.parse(body);
    if (typeof status !== 'object' || status === null) return { reason: '', message: '' };
    const { reason, message } = status as Record<string, unknown>; // an object: its fields are checked below
    return {
      reason: typeof reason === 'string' ? reason : '',
      message: typeof message === 'string' ? message : '',
    };
  } catch {
    return { reason: '', message: body.slice(0, 200) };
  }
}
