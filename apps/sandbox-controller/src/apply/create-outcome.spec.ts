import { type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { AgentCallError } from '@fsb/agent-api/agent-client';
import { outcomeOfAnswer, outcomeOfError } from './create-outcome';

const refusal = (code?: CreateSandboxResponse['code']): CreateSandboxResponse => ({
  ...{ success: false, sandboxId: '', createdAt: 0, message: 'm' },
  ...(code === undefined ? {} : { code }),
});

describe("an agent's answer", () => {
  it.each<[string, CreateSandboxResponse, object]>([
    ['yes', { success: true, sandboxId: 'a', createdAt: 1 }, { kind: 'running' }],
    ['full', refusal('slots_full'), { kind: 'refused', code: 'slots_full', message: 'm' }],
    ['no memory', refusal('memory_full'), { kind: 'refused', code: 'memory_full', message: 'm' }],
    ['a port', refusal('port_taken'), { kind: 'refused', code: 'port_taken', message: 'm' }],
    ['draining', refusal('draining'), { kind: 'refused', code: 'draining', message: 'm' }],
    ['older', refusal('stale_generation'), { kind: 'refused', code: 'stale_generation', message: 'm' }],
    ['the image', refusal('image_not_found'), { kind: 'image_not_found', message: 'm' }],
    ['the command', refusal('command_not_found'), { kind: 'command_not_found', message: 'm' }],
    ['the spec', refusal('invalid_argument'), { kind: 'invalid_argument', message: 'm' }],
    ['its containerd', refusal('unavailable'), { kind: 'failed', message: 'm' }],
    ['itself', refusal('internal'), { kind: 'failed', message: 'm' }],
    ["the original's", refusal(), { kind: 'failed', message: 'm' }],
  ])('%s', (_what, answer, outcome) => {
    expect(outcomeOfAnswer(answer)).toEqual(outcome);
  });

  it.each<[string, unknown, boolean, string]>([
    ['no connection, first time', new AgentCallError('none', 'm'), true, 'refused'],
    ['no connection, asked before', new AgentCallError('none', 'm'), false, 'no_answer'],
    ['a broken connection', new AgentCallError('unknown', 'm'), true, 'no_answer'],
    ['anything else', new Error('m'), true, 'no_answer'],
  ])('%s', (_what, error, fresh, kind) => {
    expect(outcomeOfError(error, fresh)).toMatchObject({ kind, message: 'm' });
  });
});
