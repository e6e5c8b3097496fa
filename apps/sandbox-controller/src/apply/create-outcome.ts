import { type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { AgentCallError } from '@fsb/agent-api/agent-client';
import { isFinal, isRefusal } from '@fsb/api/agent-codes';
import { messageOf } from '@fsb/api/errors';
import { type CreateOutcome } from '../plan/world';

/** Classifies an agent's answer to a create. */
export function outcomeOfAnswer({ success, code, message = '' }: CreateSandboxResponse): CreateOutcome {
  if (success) return { kind: 'running' };
  if (isRefusal(code)) return { kind: 'refused', code, message };
  return { kind: isFinal(code) ? code : 'failed', message };
}

/**
 * Classifies a failed call.
 * @param fresh nothing was ever sent to that agent for that id, so that a failed connection is a refusal
 */
export function outcomeOfError(error: unknown, fresh: boolean): CreateOutcome {
  const message = messageOf(error);
  const none = fresh && error instanceof AgentCallError && error.effect === 'none';
  return none ? { kind: 'refused', code: 'unreachable', message } : { kind: 'no_answer', message };
}
