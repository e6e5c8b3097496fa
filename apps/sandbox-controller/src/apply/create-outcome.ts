import { type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { AgentCallError } from '@fsb/agent-api/agent-client';
import { messageOf } from '@fsb/api/errors';
import { type CreateOutcome } from '../plan/world';

/** Nothing has happened there: another agent may be asked. */
const REFUSALS = [
  ...(['slots_full', 'port_taken', 'memory_full', 'storage_full', 'draining'] as const),
  ...(['other_agent', 'stale_generation', 'unauthenticated'] as const),
];
/** No agent would answer otherwise. */
const FINAL = [
  ...(['image_not_found', 'image_never_pull', 'command_not_found', 'image_faulty'] as const),
  'invalid_argument',
] as const;

/** An agent's answer to a create. */
export function outcomeOfAnswer({ success, code, message = '' }: CreateSandboxResponse): CreateOutcome {
  if (success) return { kind: 'running' };
  const refusal = REFUSALS.find((known) => known === code);
  if (refusal) return { kind: 'refused', code: refusal, message };
  return { kind: FINAL.find((known) => known === code) ?? 'failed', message };
}

/** @param fresh nothing was ever sent to that agent for that id: no connection, then, is a no */
export function outcomeOfError(error: unknown, fresh: boolean): CreateOutcome {
  const message = messageOf(error);
  const none = fresh && error instanceof AgentCallError && error.effect === 'none';
  return none ? { kind: 'refused', code: 'unreachable', message } : { kind: 'no_answer', message };
}
