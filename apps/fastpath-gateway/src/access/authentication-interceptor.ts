import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { statusOf } from '@fsb/component-base/grpc/error.filter';
import { type ConnectionLimits } from '../grpc/connection-limits';
import { type CallSeats } from '../quota/call-seats';
import { type Authenticator } from './authenticator';
import { type Caller, REHEARSAL, setAdmission } from './caller';

/** Path prefix that needs no authentication: a kubelet's probes have no token. */
const OPEN = '/grpc.health.v1.Health/';

/** Seats that a call holds, until its status is sent or its caller cancels. */
class Held {
  private readonly releases: (() => void)[] = [];
  private isOver = false;

  add(release: () => void): void {
    if (this.isOver) release();
    else this.releases.push(release);
  }

  end(): void {
    this.isOver = true;
    for (const release of this.releases.splice(0)) release();
  }
}

/**
 * Interceptor that authenticates a call by its headers, before any of the request is read: a caller without a token or
 * a certificate costs no more than a refused stream. It then applies the user's limits of connections and calls.
 * Authorization is left to the guard, which has the request.
 */
export function authenticationInterceptor(
  authenticator: Authenticator,
  connections: ConnectionLimits,
  seats: CallSeats,
): ServerInterceptor {
  return ({ path }, call) => {
    if (path.startsWith(OPEN)) return new ServerInterceptingCall(call);
    const { remoteAddress, remotePort } = call.getConnectionInfo();
    const refuse = (error: unknown): void => {
      connections.refused(remoteAddress, remotePort);
      call.sendStatus(statusOf(error));
    };
    const held = new Held();
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata: Metadata, next) => {
        const admit = (caller: Caller): void => {
          try {
            connections.admitted(remoteAddress, remotePort, caller.name);
            if (caller !== REHEARSAL) held.add(seats.call(caller.name));
          } catch (error) {
            call.sendStatus(statusOf(error)); // the user's limit: not counted as a failed authentication
            return;
          }
          const atEnd = held.add.bind(held);
          setAdmission(metadata, { caller, isKnown: true, isAdmitted: false, atEnd });
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
      .withOnCancel(() => {
        held.end();
      })
      .build();
    const responder = new ResponderBuilder()
      .withStart((next) => {
        next(listener);
      })
      .withSendStatus((how, next) => {
        held.end();
        next(how);
      })
      .build();
    return new ServerInterceptingCall(call, responder);
  };
}
