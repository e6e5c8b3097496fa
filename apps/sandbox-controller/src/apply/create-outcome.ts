import { type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { AgentCallError } from '@fsb/agent-api/agent-client';
import { messageOf } from '@fsb/api/errors';
import { type CreateOutcome } from '../plan/world';

/** An agent's answer to a create. */
export function outcomeOfAnswer({ success, code, message = '' }: CreateSandboxResponse): CreateOutcome {
  if (success) return { kind: 'running' };
  switch (code) {
    case 'slots_full':
    case 'port_taken':
    case 'memory_full':
    case 'draining':
    case 'other_agent':
    case 'stale_generation':
    case 'unauthenticated':
      return { kind: 'refused', code, message };
    case 'image_not_found':
    case 'command_not_found':
    case 'invalid_argument':
      return { kind: code, message };
    default:
      return { kind: 'failed', message };
  }
}

/** @param fresh nothing was ever sent to that agent for that id: no connection, then, is a no */
export function outcomeOfError(error: unknown, fresh: boolean): CreateOutcome {
  const message = messageOf(error);
  const none = fresh && error instanceof AgentCallError && error.effect === 'none';
  return none ? { kind: 'refused', code: 'unreachable', message } : { kind: 'no_answer', message };
}
