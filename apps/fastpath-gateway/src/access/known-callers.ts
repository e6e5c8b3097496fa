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

/** Asked by a kubelet's probes, which have no token. */
const OPEN = '/grpc.health.v1.Health/';

/** What a call holds, until its status is sent or its caller leaves. */
class Held {
  private readonly leaves: (() => void)[] = [];
  private isOver = false;

  add(leave: () => void): void {
    if (this.isOver) leave();
    else this.leaves.push(leave);
  }

  end(): void {
    this.isOver = true;
    for (const leave of this.leaves.splice(0)) leave();
  }
}

/**
 * Finds out who calls when the headers have come, before anything of the request is read: a caller without a token or a
 * certificate leaves nothing behind but a refused stream. From then on the limits of its user hold. What the caller may do is for the guard, which knows the request.
 */
export function knownCallers(
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
            call.sendStatus(statusOf(error)); // it is known: not a refusal of who it is
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
