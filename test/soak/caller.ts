import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CreateRequest,
  type CreateResponse,
  DeleteRequest,
  GetRequest,
  type SandboxInfo,
} from '@fsb/api/gen/fastpath/v1/fastpath';
import { type Sandbox } from '@fsb/api/sandbox';
import { type GatewayClient, type Reply } from '../support/gateway-client';
import { attempt } from '../support/command';
import { type Journal } from './findings';
import { NAMESPACE } from './pool';

/** Far above the usual time of any call, even with fifty concurrent creates on a busy machine. */
export const CALL_MS = 60_000;
/** How long retryable answers are repeated before they count as a refusal. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 150;
/**
 * grpc-js' messages for a lost or refused connection. A gateway's own messages about its agents begin with their names.
 */
const GONE = /^(Connection dropped|No connection established|read ECONNRESET|write EPIPE|Received RST_STREAM)/;

/** grpc-js' message for the caller's own deadline; any other DEADLINE_EXCEEDED is a gateway's answer. */
const OWN_DEADLINE = 'Deadline exceeded';
const TRY_AGAIN: ReadonlySet<string> = new Set(['UNAVAILABLE', 'ABORTED', 'RESOURCE_EXHAUSTED', 'DEADLINE_EXCEEDED']);

/** A gRPC status, or an exit of kubectl. */
export interface Answerish {
  readonly code: string;
  readonly message: string;
}

/** The gateways and kubectl as a user has them. Answers are noted in the journal of the sandbox that they concern. */
export class Caller {
  /** number of retryable answers, by code */
  readonly retries = new Map<string, number>();

  constructor(
    readonly gateways: readonly GatewayClient[],
    private readonly kubeconfig: string,
  ) {}

  gateway(index: number): GatewayClient {
    const found = this.gateways[index];
    if (!found) throw new RangeError(`no gateway ${index}`);
    return found;
  }

  /** Creates without a retry; the caller of this method interprets the answer. */
  create(gateway: number, request: CreateRequest, leave?: AbortSignal): Promise<Reply<CreateResponse>> {
    return this.gateway(gateway).create(request, CALL_MS, leave);
  }

  /** Deletes with retries until it is OK. @returns the last answer */
  delete(journal: Journal, gateway: number, name: string): Promise<Answerish> {
    const request = DeleteRequest.fromPartial({ sandboxName: name, namespace: NAMESPACE });
    return this.patiently(journal, `delete at gateway ${gateway + 1}`, () =>
      this.gateway(gateway).delete(request, CALL_MS),
    );
  }

  get(gateway: number, name: string): Promise<Reply<SandboxInfo>> {
    return this.gateway(gateway).get(GetRequest.fromPartial({ sandboxName: name, namespace: NAMESPACE }), CALL_MS);
  }

  async kubectl(journal: Journal, args: readonly string[], stdin = ''): Promise<Answerish> {
    const { code, stdout, stderr } = await attempt('kubectl', ['--kubeconfig', this.kubeconfig, ...args], {
      stdin,
      timeoutMs: CALL_MS,
    });
    const message = `${stdout}${stderr}`.trim();
    journal.note(`kubectl ${args.join(' ')}: ${code} ${message}`);
    return { code: code === 0 ? 'OK' : `exit ${code}`, message };
  }

  /** The object as `kubectl get` prints it; undefined when that fails. */
  async object(journal: Journal, name: string): Promise<Sandbox | undefined> {
    const args = ['get', 'sandbox', name, '-n', NAMESPACE, '-o', 'json'];
    const options = { timeoutMs: CALL_MS };
    const { code, stdout, stderr } = await attempt('kubectl', ['--kubeconfig', this.kubeconfig, ...args], options);
    if (code === 0) return JSON.parse(stdout) as Sandbox; // printed by kubectl
    journal.note(`kubectl ${args.join(' ')}: ${code} ${stderr.trim()}`);
    return undefined;
  }

  /** Calls until the answer is final. A gateway that went away is a finding, and is called again. */
  async patiently<A extends Answerish>(journal: Journal, what: string, call: () => Promise<A>): Promise<A> {
    const until = Date.now() + PATIENCE_MS;
    for (let tries = 1; ; tries++) {
      const answer = await call();
      const isLast = answer.code === 'OK' || !this.mayTryAgain(journal, answer) || Date.now() > until;
      if (isLast || tries === 1) journal.note(`${what}: ${inWords(answer)}${tries > 1 ? `, at try ${tries}` : ''}`);
      if (isLast) return answer;
      await sleep(PAUSE_MS);
    }
  }

  /** Counts a retryable answer. @returns whether to call again */
  mayTryAgain(journal: Journal, { code, message }: Answerish): boolean {
    if (isGone({ code, message })) {
      journal.reportOnce('a gateway went away', 'an answer', message);
      return true;
    }
    if (isOwnDeadline({ code, message })) {
      journal.report('a call or stream took too long', `${CALL_MS} ms`, message);
      return false;
    }
    const isWorthIt = TRY_AGAIN.has(code);
    if (isWorthIt) this.retries.set(code, (this.retries.get(code) ?? 0) + 1);
    return isWorthIt;
  }

  /** Notes an answer that leaves the create open and is not retried. */
  giveUp(journal: Journal, { message }: Answerish): void {
    if (isGone({ code: 'UNAVAILABLE', message })) journal.reportOnce('a gateway went away', 'an answer', message);
    this.retries.set('given up', (this.retries.get('given up') ?? 0) + 1);
  }
}

export function isGone({ code, message }: Answerish): boolean {
  return code !== 'CANCELLED' && GONE.test(message);
}

export function inWords({ code, message }: Answerish): string {
  return `${code} ${message}`.trim();
}

/** Whether the caller's own deadline passed, not one that a gateway reports. */
export function isOwnDeadline({ code, message }: Answerish): boolean {
  return code === 'DEADLINE_EXCEEDED' && message.startsWith(OWN_DEADLINE);
}
