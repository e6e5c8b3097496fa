import { runProgram } from '../../../test/support/program';

describe('AgentClient with an agent that breaks off', () => {
  it('leaves no unhandled error, listener or socket, at whatever point its caller leaves', async () => {
    const text = await runProgram('test/support/hostile-agent-run.ts', [], 280_000);
    const { calls, ...left } = JSON.parse(text) as { calls: number };
    expect(left).toEqual({ unhandled: [], listeners: [], held: [], open: 0 });
    expect(calls).toBeGreaterThan(3_000);
  }, 300_000);
});
