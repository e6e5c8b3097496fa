import { runProgram } from '../../../test/support/program';

/** A loaded machine takes 50 s. Calls that outlive their caller by their deadline of ten seconds would exceed this. */
const RUN_MS = 240_000;

describe('ContainerdClient with a containerd that breaks off', () => {
  it('leaves no unhandled error, listener or socket, at whatever point its caller leaves', async () => {
    const text = await runProgram('test/support/hostile-containerd-run.ts', [], RUN_MS);
    const { calls, behaviours, ...left } = JSON.parse(text) as { calls: number; behaviours: number };
    expect(left).toEqual({ unhandled: [], listeners: [], held: [], open: 0 });
    expect(behaviours).toBeGreaterThan(20);
    expect(calls).toBeGreaterThan(2_000);
  }, 300_000);
});
