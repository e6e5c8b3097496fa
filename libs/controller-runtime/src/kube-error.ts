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

/** An API server's refusal. `reason` is that of its Status object, as in AlreadyExists. */
export class KubeError extends ApiError {
  constructor(
    readonly status: number,
    readonly reason: string,
    code: ErrorCode,
    message: string,
    /** message of the API server, without the request that it answers */
    readonly said: string,
  ) {
    super(code, message);
  }
}

/** @param body a Status object in JSON, or what a proxy put in its place */
export function kubeError(what: string, status: number, body: string): KubeError {
  const { reason, message } = parseStatus(body);
  const code = reason === 'AlreadyExists' ? 'already_exists' : (CODES[status] ?? 'unavailable');
  const said = message || `HTTP ${status}`;
  return new KubeError(status, reason, code, `${what}: ${said}`, said);
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

/** Fields of a Sandbox, and of a Secret, whose values are nobody's but their owner's. */
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

/** An API server says "Invalid value" and quotes it; what it says ends up in logs and Events. */
function withoutValues({ kind, name, causes }: { kind: string; name: string; causes: readonly Cause[] }): string {
  const told = causes.map((cause) => `${cause.field}: ${isSecret(cause) ? cause.reason : cause.message}`);
  return `${kind} "${name}" is invalid: ${told.join(', ')}`;
}
