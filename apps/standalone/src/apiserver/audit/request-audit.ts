import { type ServerResponse } from 'node:http';
import { type AuditLog } from '@fsb/component-base/audit/audit-log';
import { TokenBucket } from '@fsb/component-base/token-bucket';
import { isRecorded, requestEvent, type RequestFacts } from './request-event';

/** Whoever has no account here could otherwise write the records of those who have out of the last kept file. */
const STRANGERS_A_SECOND = 20;

/** A record of each request that changes something, reads a log or a Secret, or is kept out. */
export class RequestAudit {
  private readonly strangers = new TokenBucket(STRANGERS_A_SECOND);

  constructor(private readonly log: AuditLog) {}

  /** Records it when its answer is whole, or its caller has left. */
  follow(facts: RequestFacts, response: ServerResponse): void {
    response.once('close', () => {
      this.record(facts, response);
    });
  }

  /** After the last request has been answered. */
  close(): Promise<void> {
    return this.log.close();
  }

  private record(facts: RequestFacts, response: ServerResponse): void {
    const auditId = response.getHeader('audit-id');
    // without one nothing was answered: the caller left before
    const answered = { auditId: String(auditId ?? ''), code: auditId === undefined ? 499 : response.statusCode };
    if (!isRecorded(facts, answered)) return;
    if (!facts.user && this.strangers.take() > 0) {
      this.log.drop(1, `more than ${STRANGERS_A_SECOND} requests a second without a name`);
      return;
    }
    this.log.record(requestEvent(facts, answered, Date.now()));
  }
}
