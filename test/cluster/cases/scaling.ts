import { eventually } from '../../support/eventually';
import { pool } from '../pool';
import { type Product } from '../product';

const LONG_MS = 120_000;
const SLOTS = 2;

export function scaling(product: () => Product): void {
  const run = (name: string) =>
    product().caller.attempt('run', name, '--image', 'busybox', '--pool', 'small', '--', '/bin/sleep', '1000');

  it('grows for creates refused for want of room, and shrinks after their end', async () => {
    await product().apply(pool('small', { slots: SLOTS, most: 2 }));
    await product().whenReady('small', 1);
    const names = Array.from({ length: 2 * SLOTS }, (_, n) => `burst-${n}`);
    await Promise.all(
      names.map((name) => eventually(async () => expect((await run(name)).code).toBe(0), LONG_MS, 1_000)),
    );
    await product().whenReady('small', 2);
    expect((await run('one-too-many')).stderr).toMatch(/no room/);
    await Promise.all(names.map((name) => product().caller.run('delete', name)));
    const pods = (): Promise<string> => product().field('sandboxpool', 'small', '.status.currentPods');
    await eventually(async () => expect(await pods()).toBe('1'), LONG_MS, 500);
    await product().kubectl('delete', 'sandboxpool', 'small', '--timeout=60s');
  }, 300_000);
}
