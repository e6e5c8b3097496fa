/** A failure on the wires: gRPC's number, and the HTTP status with the reason that an API server would answer with. */
interface WireStatus {
  readonly grpc: number;
  readonly http: number;
  readonly reason: string;
}

const WIRE = {
  invalid_argument: { grpc: 3, http: 400, reason: 'BadRequest' },
  not_found: { grpc: 5, http: 404, reason: 'NotFound' },
  already_exists: { grpc: 6, http: 409, reason: 'AlreadyExists' },
  failed_precondition: { grpc: 9, http: 412, reason: 'Conflict' },
  resource_exhausted: { grpc: 8, http: 429, reason: 'TooManyRequests' },
  unavailable: { grpc: 14, http: 503, reason: 'ServiceUnavailable' },
  aborted: { grpc: 10, http: 409, reason: 'Conflict' },
  deadline_exceeded: { grpc: 4, http: 504, reason: 'Timeout' },
  permission_denied: { grpc: 7, http: 403, reason: 'Forbidden' },
  unauthenticated: { grpc: 16, http: 401, reason: 'Unauthorized' },
  unimplemented: { grpc: 12, http: 501, reason: 'NotImplemented' },
  internal: { grpc: 13, http: 500, reason: 'InternalError' },
} as const satisfies Record<string, WireStatus>;

/**
 * The closed vocabulary of failures, after containerd's errdefs and gRPC's codes. Use cases throw it; it is turned into
 * a status only where it meets a wire (gRPC in component-base, HTTP in node-agent).
 */
export type ErrorCode = keyof typeof WIRE;

const OF_GRPC: ReadonlyMap<number, WireStatus> = new Map(Object.values(WIRE).map((wire) => [wire.grpc, wire]));

/** The status of a failure on the wires. */
export function wireStatus(code: ErrorCode): WireStatus {
  return WIRE[code];
}

/** The same by gRPC's number; that of `internal` for a number without a code of ours. */
export function wireStatusOfGrpc(grpc: number): WireStatus {
  return OF_GRPC.get(grpc) ?? WIRE.internal;
}

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
