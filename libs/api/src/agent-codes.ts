import { type ErrorCode } from './errors';

/** What a code says with which an agent answers a create that did not succeed. Nothing else lists these codes. */
interface Meaning {
  /** HTTP status of the agent's answer */
  readonly http: number;
  /** the failure that the caller sees, where no other agent takes the sandbox */
  readonly error: ErrorCode;
  /**
   * elsewhere: refused before any effect, and another agent may take the same create. newer: refused before any effect, and the
   * agent takes only a newer generation. never: no agent would answer otherwise. failed: something may be left there.
   */
  readonly next: 'elsewhere' | 'newer' | 'never' | 'failed';
}

const FULL = { http: 409, error: 'resource_exhausted', next: 'elsewhere' } as const;
const ELSEWHERE = { http: 409, error: 'unavailable', next: 'elsewhere' } as const;

const CODES = {
  slots_full: FULL,
  port_taken: FULL,
  memory_full: FULL,
  storage_full: FULL,
  draining: ELSEWHERE,
  /** the address is another agent's by now */
  other_agent: ELSEWHERE,
  stale_generation: { http: 409, error: 'aborted', next: 'newer' },
  invalid_argument: { http: 400, error: 'invalid_argument', next: 'never' },
  image_not_found: { http: 404, error: 'not_found', next: 'never' },
  /** the node does not have it, and it is not to be pulled */
  image_never_pull: { http: 404, error: 'not_found', next: 'never' },
  command_not_found: { http: 404, error: 'not_found', next: 'never' },
  /** no sandbox can be made of it: its message says what of it is to be mended */
  image_faulty: { http: 412, error: 'failed_precondition', next: 'never' },
  sandbox_not_found: { http: 404, error: 'not_found', next: 'failed' },
  /** the log of an ended sandbox made room for others */
  log_removed: { http: 410, error: 'failed_precondition', next: 'failed' },
  internal: { http: 500, error: 'internal', next: 'failed' },
  unavailable: { http: 503, error: 'unavailable', next: 'failed' },
} as const satisfies Record<string, Meaning>;

type CodesWith<Next extends Meaning['next']> = {
  [Code in keyof typeof CODES]: (typeof CODES)[Code]['next'] extends Next ? Code : never;
}[keyof typeof CODES];

export type AgentCode = keyof typeof CODES;
/** Refusals for which another agent may be asked the same. */
export type ElsewhereCode = CodesWith<'elsewhere'>;
/** Refusals before any effect (HTTP 409). */
export type AdmissionCode = CodesWith<'elsewhere' | 'newer'>;
/** Failures that any agent would answer with. */
export type FinalCode = CodesWith<'never'>;
/** Failures of a create that the agent has begun, or cannot begin. */
export type AgentErrorCode = Exclude<AgentCode, AdmissionCode>;

const MEANINGS: ReadonlyMap<string | undefined, Meaning> = new Map(Object.entries(CODES));

/** Whether another agent may be asked the same. */
export function allowsAnotherAgent(code: AgentCode | undefined): code is ElsewhereCode {
  return MEANINGS.get(code)?.next === 'elsewhere';
}

/** Whether nothing of the sandbox is on the agent that answered so. */
export function isRefusal(code: AgentCode | undefined): code is AdmissionCode {
  const next = MEANINGS.get(code)?.next;
  return next === 'elsewhere' || next === 'newer';
}

/** Whether no agent would answer otherwise. */
export function isFinal(code: AgentCode | undefined): code is FinalCode {
  return MEANINGS.get(code)?.next === 'never';
}

/** The failure that the caller of a create sees; `internal` for a code that is absent or unknown. */
export function errorOfAgentCode(code: AgentCode | undefined): ErrorCode {
  return MEANINGS.get(code)?.error ?? 'internal';
}

/** HTTP status of the agent's answer. */
export function httpOfAgentCode(code: AgentCode): number {
  return CODES[code].http;
}
