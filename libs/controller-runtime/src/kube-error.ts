import { z } from 'zod';
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

/** An API server's refusal. `status` is HTTP's, `reason` that of the Status object, as in AlreadyExists. */
export class KubeError extends ApiError {
  constructor(
    readonly status: number,
    readonly reason: string,
    code: ErrorCode,
    message: string,
    /** the API server's message, without the request */
    readonly said: string,
  ) {
    super(code, message);
  }
}

/**
 * The error for an answer other than 2xx.
 * @param what the request, for the message
 * @param body a Status object in JSON, or a proxy's answer
 */
export function kubeError(what: string, status: number, body: string): KubeError {
  const { reason, message } = parseStatus(body);
  const code = reason === 'AlreadyExists' ? 'already_exists' : (CODES[status] ?? 'unavailable');
  const said = message || `HTTP ${status}`;
  return new KubeError(status, reason, code, `${what}: ${said}`, said);
}

/** The error for a call without an answer, whose effect is unknown. @returns an ApiError as it is; else unavailable */
export function networkError(what: string, error: unknown): ApiError {
  if (isApiError(error)) return error;
  return new ApiError('unavailable', `${what}: ${messageOf(error)}`, { cause: error });
}

/** Whether the resourceVersion of a list or watch has expired, and a new list is needed. */
export function isWatchExpired(error: unknown): boolean {
  return error instanceof KubeError && error.status === 410;
}

const Status = z.object({
  reason: z.string().catch(''),
  message: z.string().catch(''),
  details: z
    .object({
      kind: z.string().catch(''),
      name: z.string().catch(''),
      causes: z
        .array(z.object({ reason: z.string().catch(''), field: z.string().catch(''), message: z.string().catch('') }))
        .catch([]),
    })
    .optional()
    .catch(undefined),
});

/** Fields of a Sandbox or a Secret whose values may be secret. */
const SECRET_FIELD = /^(spec\.(envs|command|args)\b|data\b|stringData\b)/;

function parseStatus(body: string): { reason: string; message: string } {
  try {
    const status = Status.safeParse(JSON.parse(body));
    if (!status.success) return { reason: '', message: '' };
    const { reason, message, details } = status.data;
    return { reason, message: details?.causes.some(isSecret) ? withoutValues(details) : message };
  } catch {
    return { reason: '', message: body.slice(0, 200) };
  }
}

interface Cause {
  readonly reason: string;
  readonly field: string;
  readonly message: string;
}

function isSecret({ field }: Cause): boolean {
  return SECRET_FIELD.test(field);
}

/** The message without secret values: an API server quotes invalid values, and its message reaches logs and Events. */
function withoutValues({ kind, name, causes }: { kind: string; name: string; causes: readonly Cause[] }): string {
  const parts = causes.map((cause) => `${cause.field}: ${isSecret(cause) ? cause.reason : cause.message}`);
  return `${kind} "${name}" is invalid: ${parts.join(', ')}`;
}
