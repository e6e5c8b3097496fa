import { type ServerResponse } from 'node:http';
import { type AuditLog } from '@fsb/component-base/audit/audit-log';
import { TokenBucket } from '@fsb/component-base/token-bucket';
import { isRecorded, requestEvent, type RequestFacts } from './request-event';

/** Records of unauthenticated callers. Without a limit they could push those of users out of the last file kept. */
const STRANGERS_A_SECOND = 20;

/** Records each request that changes something, reads a log or a Secret, or is refused. */
export class RequestAudit {
  private readonly strangers = new TokenBucket(STRANGERS_A_SECOND);

  constructor(private readonly log: AuditLog) {}

  /** Records the request when its answer is complete, or its caller has disconnected. */
  follow(facts: RequestFacts, response: ServerResponse): void {
    response.once('close', () => {
      this.record(facts, response);
    });
  }

  /** To be called after the last answer. */
  close(): Promise<void> {
    return this.log.close();
  }

  private record(facts: RequestFacts, response: ServerResponse): void {
    const auditId = response.getHeader('audit-id');
    // no id: the caller disconnected before an answer
    const answered = { auditId: String(auditId ?? ''), code: auditId === undefined ? 499 : response.statusCode };
    if (!isRecorded(facts, answered)) return;
    if (!facts.user && this.strangers.take() > 0) {
      this.log.drop(1, `more than ${STRANGERS_A_SECOND} requests a second without a name`);
      return;
    }
    this.log.record(requestEvent(facts, answered, Date.now()));
  }
}
