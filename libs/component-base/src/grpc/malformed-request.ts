import {
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import { messageOf } from '@fsb/api/errors';

/** Stands for a request that could not be decoded. */
class MalformedRequest {
  constructor(readonly why: string) {}
}

/**
 * The service with methods that decode a malformed request into a MalformedRequest. If they threw, grpc-js would answer
 * INTERNAL. Use it with {@link malformedRequestInterceptor}.
 */
export function withMalformedRequests<D extends ServiceDefinition>(service: D): D {
  const methods = Object.entries(service).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown => {
      try {
        return method.requestDeserialize(bytes);
      } catch (error) {
        return new MalformedRequest(messageOf(error));
      }
    };
    return [name, { ...method, requestDeserialize }] as const;
  });
  return Object.fromEntries(methods) as D; // the same names
}

/** Answers a malformed request with INVALID_ARGUMENT, before any handler. */
export const malformedRequestInterceptor: ServerInterceptor = ({ path }, call) => {
  const listener = new ServerListenerBuilder()
    .withOnReceiveMessage((message: unknown, next) => {
      if (!(message instanceof MalformedRequest)) next(message);
      else {
        const details = `the request is not one of ${path}: ${message.why}`;
        call.sendStatus({ code: status.INVALID_ARGUMENT, details, metadata: null });
      }
    })
    .build();
  const responder = new ResponderBuilder()
    .withStart((next) => {
      next(listener);
    })
    .build();
  return new ServerInterceptingCall(call, responder);
};
