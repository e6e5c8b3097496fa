import { runProgram } from '../../../test/support/program';

describe('KubeClient with an API server that breaks off', () => {
  it('leaves no unhandled error, listener or socket, at whatever point its caller leaves', async () => {
    const text = await runProgram('test/support/hostile-api-server-run.ts', [], 280_000);
    const { calls, ...left } = JSON.parse(text) as { calls: number };
    expect(left).toEqual({ unhandled: [], listeners: [], held: [], open: 0 });
    expect(calls).toBeGreaterThan(2_000);
  }, 300_000);
});
