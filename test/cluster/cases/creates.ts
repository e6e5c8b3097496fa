import { eventually } from '../../support/eventually';
import { type Product } from '../product';

const LONG_MS = 60_000;
/** Ends at SIGTERM. */
const LOOP = 'trap "exit 0" TERM; i=0; while :; do echo "line $i"; i=$((i+1)); sleep 0.1; done';
const SERVE = 'mkdir /tmp/www; echo "from $(hostname)" > /tmp/www/index.html; exec httpd -f -p "$1" -h /tmp/www';

/** Creates as the account of k8s/samples/caller.yaml, in the pool of k8s/samples/pool.yaml. */
export function creates(product: () => Product): void {
  beforeAll(async () => {
    await product().kubectl('apply', '-f', 'k8s/samples/pool.yaml');
    await product().whenReady('default-pool', 1);
  }, 3 * LONG_MS);

  const run = (name: string, ...more: string[]): Promise<string> =>
    product().caller.run('run', name, '--image', 'busybox', ...more);
  const phase = (name: string): Promise<string> => product().field('sandbox', name, '.status.phase');
  const isGone = async (name: string, id: string): Promise<void> => {
    await product().caller.run('delete', name);
    await eventually(async () => expect(await product().sandboxes()).not.toContain(id), LONG_MS, 200);
    await eventually(async () => expect(await phase(name)).toBe(''), LONG_MS, 200);
  };

  it('FAST create: runs, gets its object after the answer, and leaves nothing after delete', async () => {
    // a gateway learns of an agent shortly after its Pod is ready
    const create = (): Promise<string> => run('fast', '--mode', 'fast', '--', '/bin/sh', '-c', LOOP);
    const answer = await eventually(create, LONG_MS, 500);
    const id = /ID:\s+([0-9a-f]{32})/.exec(answer)?.[1] ?? '';
    expect(answer).toMatch(/Stages \(cold\)/);
    expect(await product().sandboxes()).toContain(id);
    await eventually(async () => expect(await phase('fast')).toBe('Running'), LONG_MS, 200);
    expect(await product().caller.run('logs', 'fast', '--tail', '2')).toMatch(/^(line \d+\n){2,}$/);
    await isGone('fast', id);
  }, 120_000);

  it('STRONG create: has its object before the answer', async () => {
    const answer = await run('strong', '--mode', 'strong', '--', '/bin/sh', '-c', LOOP);
    expect(await phase('strong')).toBe('Running');
    const id = await product().field('sandbox', 'strong', '.status.sandboxID');
    expect(answer).toContain(id);
    await isGone('strong', id);
  }, 120_000);

  it('warm start: an image requested again has standby containers', async () => {
    await eventually(async () => expect(await product().waiting()).not.toEqual([]), LONG_MS, 200);
    const answer = await run('warm', '--follow', '--', '/bin/sh', '-c', 'echo hello; exit 0');
    expect(answer).toMatch(/^hello$/m);
    await product().caller.run('delete', 'warm');
    expect(await run('warmer', '--', '/bin/true')).toMatch(/Stages \(warm\)/);
    await product().caller.run('delete', 'warmer');
  }, 120_000);

  it('sandbox: answers at its endpoint, and reports its exit code', async () => {
    const answer = await run('web', '--ports', '8080', '--', '/bin/sh', '-c', SERVE, 'sh', '8080');
    const endpoint = /Endpoints:\s+\[([\d.]+:8080)\]/.exec(answer)?.[1] ?? '';
    const get = async (): Promise<string> =>
      (await fetch(`http://${endpoint}/`, { signal: AbortSignal.timeout(5000) })).text();
    await eventually(async () => expect(await get()).toBe('from web\n'), LONG_MS, 200);
    await product().caller.run('delete', 'web');
    await run('short', '--', '/bin/sh', '-c', 'echo bye; exit 7');
    const status = (): Promise<string> => product().field('sandbox', 'short', '.status.exitCode');
    await eventually(async () => expect(await status()).toBe('7'), LONG_MS, 200);
    expect(await product().caller.run('logs', 'short')).toBe('bye\n');
    await product().caller.run('delete', 'short');
  }, 120_000);
}
