import { runProgram } from '../../../test/support/program';

/** A loaded machine takes 50 s. A call that outlives its caller by its deadline of ten seconds takes all of it. */
const RUN_MS = 240_000;

describe('ContainerdClient and a containerd that breaks off', () => {
  it('leaves no unhandled error, no listener and no socket, whenever its caller leaves', async () => {
    const text = await runProgram('test/support/hostile-containerd-run.ts', [], RUN_MS);
    const { calls, behaviours, ...left } = JSON.parse(text) as { calls: number; behaviours: number };
    expect(left).toEqual({ unhandled: [], listeners: [], held: [], open: 0 });
    expect(behaviours).toBeGreaterThan(20);
    expect(calls).toBeGreaterThan(2_000);
  }, 300_000);
});
