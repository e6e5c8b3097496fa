import { wireStatusOfGrpc } from '@fsb/api/errors';
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

/** What an API server has no status for: the caller has left (499 as in nginx). */
const OTHERS: ReadonlyMap<status, HttpStatus> = new Map([
  [status.OK, { code: 200 }],
  [status.CANCELLED, { code: 499 }],
]);

export function httpStatus(grpc: status): HttpStatus {
  const { http, reason } = wireStatusOfGrpc(grpc);
  return OTHERS.get(grpc) ?? { code: http, reason };
}
