import { CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { agentRequest, createOrder } from './create-order';

const DEFAULTS = { mode: 'fast', agentPort: 5758, nowNanos: 1n } as const;
const order = (more: Parameters<typeof CreateRequest.fromPartial>[0]) =>
  createOrder(CreateRequest.fromPartial({ name: 'box', poolRef: 'pool', image: 'busybox', ...more }), DEFAULTS);

it('asks the agent for expanded words, and keeps the object as it was written', () => {
  const made = order({ envs: { A: 'a', B: '$(A)b' }, command: ['echo', '$(B)'], args: ['$$(A)', '$(NONE)'] });
  expect(agentRequest(made)).toMatchObject({
    ...{ env: { A: 'a', B: 'ab' }, command: ['echo', 'ab'], args: ['$(A)', '$(NONE)'] },
    object: { spec: { command: ['echo', '$(B)'], args: ['$$(A)', '$(NONE)'] } },
  });
});

it.each([
  ['args', { args: ['é'.repeat(65_536)] }],
  ['envs', { envs: { X: 'é'.repeat(70_000) } }],
  ['envs', { envs: { 'A=B': 'c' } }],
])('refuses %s that the kernel would not take', (field, more) => {
  expect(() => order(more)).toThrow(new RegExp(`^${field}: `));
});

it.each(['-dash', '.dot', '1digit', 'Section:Key', 'a b'])('takes a variable %s', (name) => {
  expect(order({ envs: { [name]: 'v' } }).envs).toEqual({ [name]: 'v' });
});
