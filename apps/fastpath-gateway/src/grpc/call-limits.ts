import {
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';

/** A request's whole message must have come this long after its headers. */
const ARRIVAL_MS = 10_000;
const KIB = 1024;
/** Of methods whose requests name a sandbox and little else. */
const SHORT_BYTES = 16 * KIB;
/** Of an update: labels, annotations. */
const UPDATE_BYTES = 256 * KIB;
/** The largest sandbox that is allowed takes a quarter of it. */
export const MAX_REQUEST_BYTES = 1024 * KIB;

const LONGER: Readonly<Record<string, number>> = {
  '/fastpath.v1.FastPathService/CreateSandbox': MAX_REQUEST_BYTES,
  '/fastpath.v1.SandboxLogService/RunSandbox': MAX_REQUEST_BYTES,
  '/fastpath.v1.FastPathService/UpdateSandbox': UPDATE_BYTES,
};

/** The private decoder of a call in grpc-js 1.14: it refuses a message by its length prefix, before any of it is kept. */
interface Decoding {
  readonly decoder?: { maxReadMessageLength: number };
}

/** Refuses a message that is longer than its method needs, by its prefix, and one that is not whole in ten seconds. The first interceptor. */
export const callLimitsInterceptor: ServerInterceptor = ({ path }, call) => {
  const { decoder } = call as ServerInterceptingCallInterface & Decoding;
  if (decoder) decoder.maxReadMessageLength = LONGER[path] ?? SHORT_BYTES;
  const late = setTimeout(() => {
    const details = `the request was not whole ${ARRIVAL_MS / 1000} s after its headers; send it again`;
    call.sendStatus({ code: status.DEADLINE_EXCEEDED, details, metadata: null });
  }, ARRIVAL_MS);
  const arrived = (): void => {
    clearTimeout(late);
  };
  const listener = new ServerListenerBuilder()
    .withOnReceiveMessage((message: unknown, next) => {
      arrived();
      next(message);
    })
    .withOnReceiveHalfClose((next) => {
      arrived();
      next();
    })
    .withOnCancel(arrived)
    .build();
  const responder = new ResponderBuilder()
    .withStart((next) => {
      next(listener);
    })
    .withSendStatus((how, next) => {
      arrived();
      next(how);
    })
    .build();
  return new ServerInterceptingCall(call, responder);
};
