import { type Lease } from '@fsb/controller-runtime/kinds';
import { LeaseWatch } from './lease-watch';

const lease = (holderIdentity: string, renewTime: string): Lease => ({
  metadata: { name: 'sandbox-controller' },
  spec: { holderIdentity, renewTime, leaseDurationSeconds: 6 },
});

describe('LeaseWatch', () => {
  let now = 100_000;
  const at = (ms: number): number => (now = 100_000 + ms);

  it('counts from the first renewal observed, and from 0 again after a gap', () => {
    const watch = new LeaseWatch(() => now);
    expect(watch.heldMs()).toBe(0);
    at(0);
    watch.observe(lease('a', '1'));
    at(5_000);
    watch.observe(lease('a', '2'));
    at(10_000);
    watch.observe(lease('b', '3'));
    expect(watch.heldMs()).toBe(10_000);
    at(17_000);
    watch.observe(lease('b', '4'));
    expect(watch.heldMs()).toBe(0);
  });

  it('does not count a released lease, nor a renewal observed twice', () => {
    const watch = new LeaseWatch(() => now);
    at(0);
    watch.observe(lease('a', '1'));
    at(5_000);
    watch.observe(lease('a', '1'));
    expect(watch.heldMs()).toBe(0);
    watch.observe(lease('a', '2'));
    expect(watch.heldMs()).toBe(5_000);
    watch.observe(lease('', '3'));
    expect(watch.heldMs()).toBe(0);
  });

  it('drops to 0 when the holder stops renewing', () => {
    const watch = new LeaseWatch(() => now);
    at(0);
    watch.observe(lease('a', '1'));
    at(5_000);
    watch.observe(lease('a', '2'));
    at(11_000);
    expect(watch.heldMs()).toBe(5_000);
    at(11_001);
    expect(watch.heldMs()).toBe(0);
  });
});
