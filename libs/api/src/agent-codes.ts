import { type ErrorCode } from './errors';

/** Meaning of one code of a failed create. The table below is the only list of these codes. */
interface Meaning {
  /** HTTP status of the agent's answer */
  readonly http: number;
  /** the failure that the caller sees if no other agent takes the sandbox */
  readonly error: ErrorCode;
  /**
   * Next step of an allocator.
   * - `elsewhere`: refused before any effect; another agent may take the same create.
   * - `newer`: refused before any effect; the agent takes only a newer generation.
   * - `never`: every agent would give the same answer.
   * - `failed`: the create may have left something on the agent.
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
  /** another agent has the address by now */
  other_agent: ELSEWHERE,
  stale_generation: { http: 409, error: 'aborted', next: 'newer' },
  invalid_argument: { http: 400, error: 'invalid_argument', next: 'never' },
  image_not_found: { http: 404, error: 'not_found', next: 'never' },
  /** not on the node, and imagePullPolicy is Never */
  image_never_pull: { http: 404, error: 'not_found', next: 'never' },
  command_not_found: { http: 404, error: 'not_found', next: 'never' },
  /** the image cannot be run; the message names the fault in it */
  image_faulty: { http: 412, error: 'failed_precondition', next: 'never' },
  sandbox_not_found: { http: 404, error: 'not_found', next: 'failed' },
  /** the kept log of an ended sandbox was removed to free space for newer ones */
  log_removed: { http: 410, error: 'failed_precondition', next: 'failed' },
  internal: { http: 500, error: 'internal', next: 'failed' },
  unavailable: { http: 503, error: 'unavailable', next: 'failed' },
} as const satisfies Record<string, Meaning>;

type CodesWith<Next extends Meaning['next']> = {
  [Code in keyof typeof CODES]: (typeof CODES)[Code]['next'] extends Next ? Code : never;
}[keyof typeof CODES];

export type AgentCode = keyof typeof CODES;
/** Refusals after which the same create may be sent to another agent. */
export type ElsewhereCode = CodesWith<'elsewhere'>;
/** Refusals before any effect (HTTP 409). */
export type AdmissionCode = CodesWith<'elsewhere' | 'newer'>;
/** Failures that every agent would answer with. */
export type FinalCode = CodesWith<'never'>;
/** Failures of a create that are no refusals: the agent has begun it, or cannot begin it. */
export type AgentErrorCode = Exclude<AgentCode, AdmissionCode>;

const MEANINGS: ReadonlyMap<string | undefined, Meaning> = new Map(Object.entries(CODES));

/** Whether the same create may be sent to another agent. */
export function allowsAnotherAgent(code: AgentCode | undefined): code is ElsewhereCode {
  return MEANINGS.get(code)?.next === 'elsewhere';
}

/** Whether the agent refused before any effect, so that nothing of the sandbox is on it. */
export function isRefusal(code: AgentCode | undefined): code is AdmissionCode {
  const next = MEANINGS.get(code)?.next;
  return next === 'elsewhere' || next === 'newer';
}

/** Whether every agent would give the same answer. */
export function isFinal(code: AgentCode | undefined): code is FinalCode {
  return MEANINGS.get(code)?.next === 'never';
}

/** The failure that the caller of a create sees. @returns `internal` for an absent or unknown code */
export function errorOfAgentCode(code: AgentCode | undefined): ErrorCode {
  return MEANINGS.get(code)?.error ?? 'internal';
}

/** HTTP status of the agent's answer. */
export function httpOfAgentCode(code: AgentCode): number {
  return CODES[code].http;
}
