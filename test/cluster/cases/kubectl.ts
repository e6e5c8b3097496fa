import { eventually } from '../../support/eventually';
import { type Product } from '../product';

const LONG_MS = 60_000;

export function kubectl(product: () => Product): void {
  it('applies, waits for, gets, describes and deletes a sandbox', async () => {
    const run = (...args: string[]): Promise<string> => product().kubectl(...args);
    await run('apply', '-f', 'k8s/samples/sandbox.yaml');
    await eventually(
      async () => expect(await product().field('sandbox', 'my-sandbox', '.status.phase')).toBe('Running'),
      LONG_MS,
      200,
    );
    await run('wait', '--for=condition=Ready', 'sandbox/my-sandbox', '--timeout=60s');
    const row = /^my-sandbox\s+Running\s+busybox\s+\["[\d.]+:\d+"\]\s+default-pool-agent-\w+\s/m;
    expect(await run('get', 'sandboxes')).toMatch(row);
    expect(await run('get', 'sandboxes', '-o', 'wide')).toMatch(/^my-sandbox\s.*\snode-1\s+default-pool\s/m);
    expect(await run('get', 'sandboxpools')).toMatch(/^default-pool\s+1\s+3\s+1\s+1\s/m);
    expect(await run('describe', 'sandbox', 'my-sandbox')).toMatch(/Reason:\s+Running[\s\S]*Events:[\s\S]*Normal/);
    const id = await product().field('sandbox', 'my-sandbox', '.status.sandboxID');
    expect(await product().sandboxes()).toContain(id);
    expect(await product().caller.run('logs', 'my-sandbox')).toMatch(/hello from my-sandbox/);
    await run('delete', 'sandbox', 'my-sandbox', '--timeout=60s');
    expect(await product().sandboxes()).not.toContain(id);
  }, 120_000);

  it('refuses an object that violates the schema', async () => {
    const bad = { image: 'busybox', poolRef: 'default-pool', exposedPorts: [0] };
    const [metadata, kind] = [{ name: 'bad' }, 'Sandbox'];
    const made = product().apply({ apiVersion: 'sandbox.fast.io/v1alpha1', kind, metadata, spec: bad });
    await expect(made).rejects.toThrow(/exposedPorts/);
  });
}
