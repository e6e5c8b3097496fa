import { at, denying, assigned, NOW, plan, sandbox, settled, statusIn, UID, world } from '../testing/scene';
import { failedTry, nextTry } from './back-off';

describe('Back-off of failed tries', () => {
  it.each([
    [0, 500],
    [1, 1_000],
    [3, 4_000],
    [6, 30_000],
    [900, 30_000],
  ])('after %d failures is %d ms', (failures, pauseMs) => {
    const object = sandbox({ status: { failures } });
    expect(failedTry(object, NOW)).toEqual({ failures: failures + 1, retryAt: at(pauseMs / 1000), pauseMs });
  });

  it('is kept by any leader, since the object has retryAt', () => {
    const status = { phase: 'Pending', attempt: 0, observedGeneration: 1, failures: 5, retryAt: at(8) } as const;
    expect(plan(sandbox({ status }), world())).toEqual({ actions: [], requeueAfterMs: 8_000 });
    expect(plan(sandbox({ status: { ...status, retryAt: at(0) } }), world()).actions).not.toEqual([]);
    const bound = assigned('Bound', { failures: 5, retryAt: at(8) });
    expect(plan(sandbox({ status: bound }), denying())).toEqual({ actions: [], requeueAfterMs: 8_000 });
  });

  it('is at most 30 s, whatever the clock of the writer was', () => {
    expect(nextTry(sandbox({ status: { failures: 1, retryAt: at(86_400) } }), NOW)).toBe(NOW + 30_000);
  });

  it('counts on over tries, and starts again after a reset', () => {
    const pending = { phase: 'Pending', attempt: 2, failures: 2, retryAt: at(-1) } as const;
    const bound = plan(sandbox({ status: pending }), world());
    expect(statusIn(bound)).toMatchObject({ phase: 'Bound', failures: 2, sandboxID: `${UID}-2` });
    const failed = { kind: 'failed', message: 'm' } as const;
    const again = plan(sandbox({ status: pending }), world(), denying(settled(failed)));
    expect(statusIn(again)).toMatchObject({ phase: 'Pending', attempt: 3, failures: 3, retryAt: at(2) });
    const reset = plan(sandbox({ status: pending, spec: { resetRevision: at(-1) } }), world());
    expect(statusIn(reset)).toMatchObject({ phase: 'Pending', attempt: 3 });
    expect(statusIn(reset)).not.toHaveProperty('failures');
    expect(statusIn(reset)).not.toHaveProperty('retryAt');
  });
});
