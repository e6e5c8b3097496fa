import {
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';

/** Milliseconds from a request's headers to the end of its message. */
const ARRIVAL_MS = 10_000;
const KIB = 1024;
/** Longest request of most methods, which name a sandbox and little else. */
const SHORT_BYTES = 16 * KIB;
/** Longest update: it carries labels and annotations. */
const UPDATE_BYTES = 256 * KIB;
/** Longest request of all. The largest sandbox that is allowed takes a quarter of it. */
export const MAX_REQUEST_BYTES = 1024 * KIB;

const LONGER: Readonly<Record<string, number>> = {
  '/fastpath.v1.FastPathService/CreateSandbox': MAX_REQUEST_BYTES,
  '/fastpath.v1.SandboxLogService/RunSandbox': MAX_REQUEST_BYTES,
  '/fastpath.v1.FastPathService/UpdateSandbox': UPDATE_BYTES,
};

/** Private decoder of a call in grpc-js 1.14. It refuses a message by its length prefix, before buffering any of it. */
interface Decoding {
  readonly decoder?: { maxReadMessageLength: number };
}

/**
 * The first interceptor. Refuses a message by its length prefix when it is longer than its method needs, and one that
 * has not arrived whole within ten seconds (DEADLINE_EXCEEDED).
 */
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
