/** A failure on the wire: gRPC's number, the HTTP status, and the reason that a Kubernetes API server would give. */
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
 * The closed vocabulary of failures, after containerd's errdefs and gRPC's codes. Use cases throw it as an ApiError;
 * only the edge turns it into a status (gRPC in component-base, HTTP in node-agent).
 */
export type ErrorCode = keyof typeof WIRE;

const OF_GRPC: ReadonlyMap<number, WireStatus> = new Map(Object.values(WIRE).map((wire) => [wire.grpc, wire]));

/** The status of a failure on the wire. */
export function wireStatus(code: ErrorCode): WireStatus {
  return WIRE[code];
}

/** The status with a gRPC number. @returns that of `internal` for a number outside the vocabulary */
export function wireStatusOfGrpc(grpc: number): WireStatus {
  return OF_GRPC.get(grpc) ?? WIRE.internal;
}

/** A message may quote a caller's input, and travels in a header; gRPC takes 16 KiB of headers in all. */
const MAX_MESSAGE_CHARS = 2_000;

export interface ApiErrorOptions extends ErrorOptions {
  /** pause before the same call may succeed */
  readonly retryDelayMs?: number;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly retryDelayMs: number | undefined;

  /**
   * @param message shown to the caller: the field, the allowed values, the next step. Cut at 2,000 characters.
   * @example throw new ApiError('invalid_argument', 'image: is required, as in "alpine"')
   */
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

/** The message of a thrown value; of one that is no Error, its text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
