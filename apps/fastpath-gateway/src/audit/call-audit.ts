import { randomUUID } from 'node:crypto';
import { type OnApplicationShutdown } from '@nestjs/common';
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { type AuditLog } from '@fsb/component-base/audit/audit-log';
import { TokenBucket } from '@fsb/component-base/token-bucket';
import { admissionOf, REHEARSAL } from '../access/caller';
import { AUDITED_METHODS, type AuditedMethod } from './audited-methods';
import {
  type CallEnd,
  callEvent,
  type CallFacts,
  type Identity,
  isRefusedCaller,
  type NamedAnswer,
  type NamedRequest,
} from './call-event';

/**
 * Rate of records of unauthenticated calls. Without it, strangers could rotate the records of users out of the last
 * kept file.
 */
const STRANGERS_A_SECOND = 20;

export interface CallAuditParts {
  readonly log: AuditLog;
  /** uid and id that a sandbox has at the moment */
  readonly identity: (namespace: string, name: string) => Identity;
}

/**
 * Records each call that changes a sandbox, reads its log, or is refused for its caller. An interceptor, so that it
 * also records calls that the guard refuses, that do not arrive whole, or that their caller cancels.
 */
export class CallAudit implements OnApplicationShutdown {
  private readonly strangers = new TokenBucket(STRANGERS_A_SECOND);

  constructor(private readonly parts: CallAuditParts) {}

  readonly interceptor: ServerInterceptor = ({ path, responseStream }, call) => {
    const method = AUDITED_METHODS[path];
    return method ? this.follow(path, method, responseStream, call) : new ServerInterceptingCall(call);
  };

  /** Closes the log. Nest calls this after the last call is answered. */
  onApplicationShutdown(): Promise<void> {
    return this.parts.log.close();
  }

  private follow(
    path: string,
    method: AuditedMethod,
    isStream: boolean,
    call: ServerInterceptingCallInterface,
  ): ServerInterceptingCall {
    const { remoteAddress: address } = call.getConnectionInfo();
    const facts: CallFacts = { auditId: randomUUID(), path, method, receivedAt: Date.now(), address };
    let isHandled = false;
    let isOver = false;
    const end = (how: CallEnd): void => {
      if (!isOver) this.record(facts, how);
      isOver = true;
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata: Metadata, next) => {
        facts.metadata = metadata;
        next(metadata);
      })
      .withOnReceiveMessage((request: NamedRequest, next) => {
        this.receive(facts, request);
        next(request);
      })
      .withOnReceiveHalfClose((next) => {
        isHandled = true;
        next();
      })
      .withOnCancel(() => {
        if (isOver) return; // grpc-js reports a cancellation for every call that ends
        facts.callerLeft = isHandled; // otherwise the request did not arrive whole, or is too large
        // a handler that has begun goes on, and its outcome reaches the record alone
        if (facts.answer && !isStream) end({ code: status.OK, details: '' });
        else if (isStream || !isHandled) end({ code: status.CANCELLED, details: '' });
      })
      .build();
    const responder = new ResponderBuilder()
      .withStart((next) => {
        next(listener);
      })
      .withSendMessage((answer: NamedAnswer, next) => {
        const isFirst = facts.answer === undefined;
        facts.answer ??= answer;
        if (isStream && isFirst) this.record(facts, undefined);
        // grpc-js sends no status of a cancelled call: the answer is its end
        if (!isStream && facts.callerLeft === true) end({ code: status.OK, details: '' });
        next(answer);
      })
      .withSendStatus((how, next) => {
        end({ code: how.code, details: how.details });
        next(how);
      })
      .build();
    return new ServerInterceptingCall(call, responder);
  }

  /** Looks up the sandbox before the handler runs: after a delete its identity is gone. */
  private receive(facts: CallFacts, request: NamedRequest): void {
    facts.request = request;
    const { sandboxName, namespace = '' } = request;
    if (sandboxName === undefined) return;
    facts.identity = this.parts.identity(namespace === '' ? 'default' : namespace, sandboxName);
  }

  private record(facts: CallFacts, end: CallEnd | undefined): void {
    const { caller, isKnown, isAdmitted } = admissionOf(facts.metadata);
    if (caller === REHEARSAL) return;
    if (facts.method.when === 'refused' && !(end && isRefusedCaller(end.code))) return;
    if (!isKnown && !isAdmitted && this.strangers.take() > 0) {
      this.parts.log.drop(1, `more than ${STRANGERS_A_SECOND} calls a second without a name`);
      return;
    }
    this.parts.log.record(callEvent(facts, end, Date.now()));
  }
}
