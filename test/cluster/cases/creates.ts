import { eventually } from '../../support/eventually';
import { type Caller, type Product } from '../product';

const LONG_MS = 60_000;
const LOOP = 'i=0; while :; do echo "line $i"; i=$((i+1)); sleep 0.1; done';

/** FAST, STRONG and warm creates, by the account of k8s/samples/caller.yaml; logs and deletes. */
export function creates(product: () => Product): void {
  let caller: Caller;

  beforeAll(async () => {
    await product().kubectl('apply', '-f', 'k8s/samples/caller.yaml', '-f', 'k8s/samples/pool.yaml');
    await product().whenReady('default-pool', 1);
    caller = product().as(await product().token('sandbox-caller'));
  }, LONG_MS);

  const run = (name: string, ...more: string[]): Promise<string> =>
    caller.run('run', name, '--image', 'busybox', ...more, '--', '/bin/sh', '-c', LOOP);
  const phase = (name: string): Promise<string> => product().field('sandbox', name, '.status.phase');

  it('FAST: runs, has its object behind the answer, is read, and is gone as a whole', async () => {
    const answer = await eventually(() => run('fast', '--mode', 'fast'), LONG_MS, 500);
    const id = /ID:\s+([0-9a-f]{32})/.exec(answer)?.[1] ?? '';
    expect(await product().sandboxes()).toContain(id);
    await eventually(async () => expect(await phase('fast')).toBe('Running'), LONG_MS, 200);
    expect(await caller.run('logs', 'fast', '--tail', '2')).toMatch(/^(line \d+\n){2,}$/);
    await caller.run('delete', 'fast');
    await eventually(async () => expect(await product().sandboxes()).toEqual([]), LONG_MS, 200);
    await eventually(async () => expect(await phase('fast')).toBe(''), LONG_MS, 200);
  }, 120_000);
}
