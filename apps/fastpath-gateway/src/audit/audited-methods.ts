import { status } from '@grpc/grpc-js';

export interface AuditedMethod {
  readonly verb: 'create' | 'get' | 'list' | 'update' | 'delete';
  /** of `sandboxes`; empty: the object itself */
  readonly subresource: '' | 'log';
  /** always, or only where the caller was kept out: what is in memory is read often, and tells no secret */
  readonly when: 'always' | 'refused';
}

const of = (
  verb: AuditedMethod['verb'],
  when: AuditedMethod['when'] = 'always',
  subresource: AuditedMethod['subresource'] = '',
): AuditedMethod => ({ verb, when, subresource });

/** By their paths. */
export const AUDITED_METHODS: Readonly<Record<string, AuditedMethod>> = {
  '/fastpath.v1.FastPathService/CreateSandbox': of('create'),
  '/fastpath.v1.FastPathService/UpdateSandbox': of('update'),
  '/fastpath.v1.FastPathService/DeleteSandbox': of('delete'),
  '/fastpath.v1.FastPathService/ListSandboxes': of('list', 'refused'),
  '/fastpath.v1.FastPathService/GetSandbox': of('get', 'refused'),
  '/fastpath.v1.SandboxLogService/StreamLogs': of('get', 'always', 'log'),
  '/fastpath.v1.SandboxLogService/RunSandbox': of('create'),
  '/fastpath.v1.ImageService/ListImages': of('list', 'refused'),
};

/** A status of gRPC as Kubernetes would have answered. */
interface HttpStatus {
  readonly code: number;
  readonly reason?: string;
}

const HTTP: Readonly<Record<number, HttpStatus>> = {
  [status.OK]: { code: 200 },
  [status.CANCELLED]: { code: 499 },
  [status.INVALID_ARGUMENT]: { code: 400, reason: 'BadRequest' },
  [status.UNAUTHENTICATED]: { code: 401, reason: 'Unauthorized' },
  [status.PERMISSION_DENIED]: { code: 403, reason: 'Forbidden' },
  [status.NOT_FOUND]: { code: 404, reason: 'NotFound' },
  [status.ALREADY_EXISTS]: { code: 409, reason: 'AlreadyExists' },
  [status.ABORTED]: { code: 409, reason: 'Conflict' },
  [status.FAILED_PRECONDITION]: { code: 412, reason: 'Conflict' },
  [status.RESOURCE_EXHAUSTED]: { code: 429, reason: 'TooManyRequests' },
  [status.UNIMPLEMENTED]: { code: 501, reason: 'NotImplemented' },
  [status.UNAVAILABLE]: { code: 503, reason: 'ServiceUnavailable' },
  [status.DEADLINE_EXCEEDED]: { code: 504, reason: 'Timeout' },
};

export function httpStatus(grpc: status): HttpStatus {
  return HTTP[grpc] ?? { code: 500, reason: 'InternalError' };
}
