import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { statusOf } from '@fsb/component-base/grpc/error.filter';
import { type ConnectionLimits } from '../grpc/connection-limits';
import { type Authenticator } from './authenticator';
import { type Caller, setAdmission } from './caller';

/** Asked by a kubelet's probes, which have no token. */
const OPEN = '/grpc.health.v1.Health/';

/**
 * Finds out who calls when the headers have come, before anything of the request is read: a caller without a token or a
 * certificate leaves nothing behind but a refused stream. What the caller may do is for the guard, which knows the request.
 */
export function knownCallers(authenticator: Authenticator, connections: ConnectionLimits): ServerInterceptor {
  return ({ path }, call) => {
    if (path.startsWith(OPEN)) return new ServerInterceptingCall(call);
    const { remoteAddress, remotePort } = call.getConnectionInfo();
    const refuse = (error: unknown): void => {
      connections.refused(remoteAddress, remotePort);
      call.sendStatus(statusOf(error));
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata: Metadata, next) => {
        const admit = (caller: Caller): void => {
          connections.admitted(remoteAddress, remotePort);
          setAdmission(metadata, { caller, isKnown: true, isAdmitted: false });
          next(metadata);
        };
        try {
          const caller = authenticator.authenticate(metadata, call);
          if (caller instanceof Promise) caller.then(admit, refuse);
          else admit(caller);
        } catch (error) {
          refuse(error);
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
}
