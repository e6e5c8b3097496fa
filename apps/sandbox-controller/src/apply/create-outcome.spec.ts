import { type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { AgentCallError } from '@fsb/agent-api/agent-client';
import { outcomeOfAnswer, outcomeOfError } from './create-outcome';

const refusal = (code?: CreateSandboxResponse['code']): CreateSandboxResponse => ({
  ...{ success: false, sandboxId: '', createdAt: 0, message: 'm' },
  ...(code === undefined ? {} : { code }),
});

describe('CreateOutcome', () => {
  it.each<[string, CreateSandboxResponse, object]>([
    ['a success', { success: true, sandboxId: 'a', createdAt: 1 }, { kind: 'running' }],
    ['full slots', refusal('slots_full'), { kind: 'refused', code: 'slots_full', message: 'm' }],
    ['full memory', refusal('memory_full'), { kind: 'refused', code: 'memory_full', message: 'm' }],
    ['a taken port', refusal('port_taken'), { kind: 'refused', code: 'port_taken', message: 'm' }],
    ['a draining agent', refusal('draining'), { kind: 'refused', code: 'draining', message: 'm' }],
    ['a stale generation', refusal('stale_generation'), { kind: 'refused', code: 'stale_generation', message: 'm' }],
    ['a missing image', refusal('image_not_found'), { kind: 'image_not_found', message: 'm' }],
    ['a missing command', refusal('command_not_found'), { kind: 'command_not_found', message: 'm' }],
    ['an invalid spec', refusal('invalid_argument'), { kind: 'invalid_argument', message: 'm' }],
    ['an unavailable containerd', refusal('unavailable'), { kind: 'failed', message: 'm' }],
    ['an internal error', refusal('internal'), { kind: 'failed', message: 'm' }],
    ["the Go predecessor's failure without a code", refusal(), { kind: 'failed', message: 'm' }],
  ])('of an answer: %s', (_what, answer, outcome) => {
    expect(outcomeOfAnswer(answer)).toEqual(outcome);
  });

  it.each<[string, unknown, boolean, string]>([
    ['no connection, first try', new AgentCallError('none', 'm'), true, 'refused'],
    ['no connection, asked before', new AgentCallError('none', 'm'), false, 'no_answer'],
    ['a broken connection', new AgentCallError('unknown', 'm'), true, 'no_answer'],
    ['any other error', new Error('m'), true, 'no_answer'],
  ])('of an error: %s', (_what, error, fresh, kind) => {
    expect(outcomeOfError(error, fresh)).toMatchObject({ kind, message: 'm' });
  });
});
