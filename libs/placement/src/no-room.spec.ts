import { type AgentState, noRoom, type RefusalReason } from './no-room';

const request = { namespace: 'ns', pool: 'p', name: 'n', image: 'i', ports: [80] };
const agent = (id: string, more: Partial<AgentState> = {}): AgentState => ({
  ...{ id, ready: true, starting: false, freeSlots: 1 },
  ...more,
});
const refused = (...reasons: RefusalReason[]) => new Map(reasons.map((reason, index) => [`a${index}`, reason]));

describe('noRoom', () => {
  it.each([
    ['no agents', [], refused(), 'unavailable', /it has none/],
    ['none ready', [agent('a0', { ready: false })], refused(), 'unavailable', /none of its 1/],
    ['none reachable', [agent('a0')], refused('unreachable'), 'unavailable', /none of its 1/],
    ['draining', [agent('a0')], refused('draining'), 'unavailable', /none of its 1/],
    ['full', [agent('a0', { freeSlots: 0 })], refused(), 'resource_exhausted', /1 without a free slot/],
    ['a port in use', [agent('a0')], refused(), 'resource_exhausted', /1 with port 80 in use/],
    ['memory', [agent('a0')], refused('memory_full'), 'resource_exhausted', /1 without the memory/],
    [
      'a different reason for each agent',
      [agent('a0'), agent('a1', { freeSlots: 0 }), agent('a2', { ready: false })],
      refused('memory_full'),
      'resource_exhausted',
      /of 3 agents 1 without a free slot, 1 without the memory/,
    ],
    [
      'some agents starting',
      [agent('a0', { freeSlots: 0 }), ...['a1', 'a2'].map((id) => agent(id, { ready: false, starting: true }))],
      refused(),
      'resource_exhausted',
      /of 3 agents 1 without a free slot, 2 starting$/,
    ],
    [
      'all agents starting',
      [agent('a0', { ready: false, starting: true })],
      refused(),
      'unavailable',
      /none of its 1 can be reached or takes sandboxes \(1 starting\)/,
    ],
  ] as const)('%s', (_what, agents, refusals, code, message) => {
    const error = noRoom(request, agents, refusals);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.retryDelayMs).toBeGreaterThan(0);
  });

  it('names the limits of the pool', () => {
    const agents = [agent('a0', { freeSlots: 0 })];
    const at = (maxAgents: number | undefined) =>
      noRoom({ ...request, limits: { sandboxesPerAgent: 5, maxAgents } }, agents, refused()).message;
    expect(at(2)).toMatch(/5 sandboxes an agent and at most 2 agents/);
    expect(at(undefined)).toMatch(/5 sandboxes an agent and any number of agents/);
  });
});
