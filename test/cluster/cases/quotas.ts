import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually';
import { type Product } from '../product';

const LONG_MS = 60_000;
/** Time until gateways and API server have seen a new or a deleted quota. */
const SEEN_MS = 3_000;
const COUNT = 'count/sandboxes.sandbox.fast.io';

/** A namespace's ResourceQuotas: which of them the Kubernetes API server accepts, and enforces besides the gateway. */
export function quotas(product: () => Product): void {
  const names: string[] = [];
  async function limit(name: string, hard: object): Promise<void> {
    names.push(name);
    await product().apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec: { hard } });
    await sleep(SEEN_MS);
  }
  const run = (name: string) => product().caller.attempt('run', name, '--image', 'busybox', '--', '/bin/sleep', '600');

  afterEach(async () => {
    for (const name of names.splice(0)) await product().kubectl('delete', 'resourcequota', name);
    await product().kubectl('delete', 'sandboxes', '--all', '--timeout=60s');
    await eventually(async () => expect(await product().sandboxes()).toEqual([]), LONG_MS, 300);
  }, 120_000);

  it('sample: is accepted as a ResourceQuota', async () => {
    await product().kubectl('apply', '-f', 'k8s/samples/quota.yaml');
    names.push('sandboxes');
    const shown = await product().kubectl('describe', 'resourcequota', 'sandboxes');
    for (const name of [COUNT, 'sandbox.fast.io/cpu', 'sandbox.fast.io/memory', 'sandbox.fast.io/creates-per-second'])
      expect(shown).toContain(name);
  }, 60_000);

  it('count of sandboxes: the gateway refuses one more before its start, the API server one by kubectl', async () => {
    await limit('one', { [COUNT]: '1' });
    expect(await run('first')).toMatchObject({ code: 0 });
    const { code, stderr } = await run('second');
    expect(code).not.toBe(0);
    expect(stderr).toContain(`${COUNT} is limited to 1`);
    await eventually(async () => expect(await product().field('sandbox', 'first', '.status.phase')).toBe('Running'));
    await expect(product().kubectl('apply', '-f', 'k8s/samples/sandbox.yaml')).rejects.toThrow(/exceeded quota: one/);
    expect(await product().sandboxes()).toHaveLength(1);
  }, 120_000);

  it('CPU: a sandbox made with kubectl waits until quota is free', async () => {
    await limit('cpu', { 'sandbox.fast.io/cpu': '1' });
    const spec = {
      image: 'busybox',
      poolRef: 'default-pool',
      command: ['/bin/sleep', '600'],
      resources: { cpu: '600m' },
    };
    for (const name of ['half', 'rest'])
      await product().apply({ apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'Sandbox', metadata: { name }, spec });
    const states = async (): Promise<string[]> => {
      const of = (name: string): Promise<string> => product().field('sandbox', name, '.status.reason');
      return (await Promise.all(['half', 'rest'].map(of))).sort();
    };
    await eventually(async () => expect(await states()).toEqual(['', 'QuotaExceeded']), LONG_MS, 300);
    expect(await product().sandboxes()).toHaveLength(1);
  }, 120_000);
}
