import { status } from '@grpc/grpc-js';
import { type ErrorCode, wireStatus, wireStatusOfGrpc } from './errors';

it.each<[ErrorCode, status, number, string]>([
  ['invalid_argument', status.INVALID_ARGUMENT, 400, 'BadRequest'],
  ['not_found', status.NOT_FOUND, 404, 'NotFound'],
  ['already_exists', status.ALREADY_EXISTS, 409, 'AlreadyExists'],
  ['failed_precondition', status.FAILED_PRECONDITION, 412, 'Conflict'],
  ['resource_exhausted', status.RESOURCE_EXHAUSTED, 429, 'TooManyRequests'],
  ['unavailable', status.UNAVAILABLE, 503, 'ServiceUnavailable'],
  ['aborted', status.ABORTED, 409, 'Conflict'],
  ['deadline_exceeded', status.DEADLINE_EXCEEDED, 504, 'Timeout'],
  ['permission_denied', status.PERMISSION_DENIED, 403, 'Forbidden'],
  ['unauthenticated', status.UNAUTHENTICATED, 401, 'Unauthorized'],
  ['unimplemented', status.UNIMPLEMENTED, 501, 'NotImplemented'],
  ['internal', status.INTERNAL, 500, 'InternalError'],
])('wireStatus: %s is %d in gRPC, %d %s in HTTP', (code, grpc, http, reason) => {
  expect(wireStatus(code)).toEqual({ grpc, http, reason });
  expect(wireStatusOfGrpc(grpc)).toEqual({ grpc, http, reason });
});

it('wireStatusOfGrpc: a number outside the vocabulary is internal', () => {
  expect(wireStatusOfGrpc(status.DATA_LOSS)).toEqual(wireStatus('internal'));
});
