/**
 * The closed vocabulary of failures, after containerd's errdefs and gRPC's codes. Use cases throw it; it is turned into
 * a status only where it meets a wire (gRPC in component-base, HTTP in node-agent).
 */
export type ErrorCode =
  | 'invalid_argument'
  | 'not_found'
  | 'already_exists'
  | 'failed_precondition'
  | 'resource_exhausted'
  | 'unavailable'
  | 'aborted'
  | 'deadline_exceeded'
  | 'permission_denied'
  | 'unauthenticated'
  | 'unimplemented'
  | 'internal';

/** It travels in a header, of which gRPC takes 16 KiB in all, and may quote what somebody has sent. */
const MAX_MESSAGE_CHARS = 2_000;

export interface ApiErrorOptions extends ErrorOptions {
  /** when the same call may well succeed */
  readonly retryDelayMs?: number;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly retryDelayMs: number | undefined;

  /** @param message is shown to the caller: it names the field, what is allowed, and what to do next. */
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ApiErrorOptions,
  ) {
    super(message.length > MAX_MESSAGE_CHARS ? `${message.slice(0, MAX_MESSAGE_CHARS)}…` : message, options);
    this.retryDelayMs = options?.retryDelayMs;
  }
}

export function isApiError(error: unknown, code?: ErrorCode): error is ApiError {
  return error instanceof ApiError && (code === undefined || error.code === code);
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
