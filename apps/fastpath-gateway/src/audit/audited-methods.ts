import { wireStatusOfGrpc } from '@fsb/api/errors';
import { status } from '@grpc/grpc-js';

export interface AuditedMethod {
  readonly verb: 'create' | 'get' | 'list' | 'update' | 'delete';
  /** subresource of `sandboxes`; empty: the object itself */
  readonly subresource: '' | 'log';
  /** always, or only when the caller is refused: reads from the gateway's memory are frequent and reveal no secret */
  readonly when: 'always' | 'refused';
}

const of = (
  verb: AuditedMethod['verb'],
  when: AuditedMethod['when'] = 'always',
  subresource: AuditedMethod['subresource'] = '',
): AuditedMethod => ({ verb, when, subresource });

/** Methods of the gateway's API and what the audit records of them, by their gRPC paths. */
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

/** HTTP status and reason, as a Kubernetes API server answers them. */
interface HttpStatus {
  readonly code: number;
  readonly reason?: string;
}

/** Codes without an error status in Kubernetes: success, and a caller that cancelled (499, as in nginx). */
const OTHERS: ReadonlyMap<status, HttpStatus> = new Map([
  [status.OK, { code: 200 }],
  [status.CANCELLED, { code: 499 }],
]);

/** The HTTP status with which Kubernetes would have answered a call that ended with the gRPC status `grpc`. */
export function httpStatus(grpc: status): HttpStatus {
  const { http, reason } = wireStatusOfGrpc(grpc);
  return OTHERS.get(grpc) ?? { code: http, reason };
}
