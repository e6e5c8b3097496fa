import { ContainerLabels } from '@fsb/api/labels';
import { eventually } from '../../support/eventually';
import { type Product } from '../product';

const LONG_MS = 120_000;
const ORPHAN = 'f'.repeat(32);

export function recovery(product: () => Product): void {
  const run = (name: string, ...more: string[]): Promise<string> =>
    product().caller.run('run', name, '--image', 'busybox', ...more, '--', '/bin/sleep', '1000');
  const status = (name: string, path: string): Promise<string> => product().field('sandbox', name, `.status.${path}`);

  /** Runs a container with this installation's labels that no agent and no object knows. */
  async function makeOrphan(): Promise<void> {
    const installation = await product().kubectl('get', 'ns', 'kube-system', '-o', 'jsonpath={.metadata.uid}');
    const labels = {
      ...{ [ContainerLabels.managed]: 'true', [ContainerLabels.installation]: installation },
      ...{ [ContainerLabels.agentName]: 'gone', [ContainerLabels.agentUid]: 'gone', [ContainerLabels.id]: ORPHAN },
      ...{ [ContainerLabels.namespace]: 'default', [ContainerLabels.sandboxName]: 'none' },
      ...{ [ContainerLabels.claimUid]: 'none', [ContainerLabels.claimTime]: '1' },
    };
    const flags = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
    const image = 'docker.io/library/busybox:latest';
    await product().node.machine.run('ctr', '-n', 'k8s.io', 'run', '-d', ...flags, image, ORPHAN, '/bin/sleep', '1000');
  }

  it('is replaced; its sandboxes are recreated or fail, by policy; orphans are removed', async () => {
    await run('follows', '--failure-policy', 'auto-recreate', '--recovery-timeout', '5');
    await run('fails', '--failure-policy', 'manual', '--recovery-timeout', '5');
    await eventually(async () => expect(await status('follows', 'phase')).toBe('Running'), LONG_MS, 200);
    await eventually(async () => expect(await status('fails', 'phase')).toBe('Running'), LONG_MS, 200);
    const [before, failing, pod] = await Promise.all([
      status('follows', 'sandboxID'),
      status('fails', 'sandboxID'),
      status('follows', 'assignedPod'),
    ]);
    await makeOrphan();
    expect(await product().sandboxes()).toEqual(expect.arrayContaining([before, failing, ORPHAN]));
    await product().kubectl('delete', 'pod', pod, '--timeout=100s');

    await eventually(async () => expect(await status('follows', 'sandboxID')).not.toBe(before), LONG_MS, 300);
    await eventually(async () => expect(await status('follows', 'phase')).toBe('Running'), LONG_MS, 300);
    expect(await status('follows', 'assignedPod')).not.toBe(pod);
    expect(await product().sandboxes()).toContain(await status('follows', 'sandboxID'));
    await eventually(async () => expect(await status('fails', 'phase')).toMatch(/Failed|Lost/), LONG_MS, 300);
    await eventually(
      async () => {
        const left = await product().sandboxes();
        expect(left.filter((id) => [before, failing, ORPHAN].includes(id))).toEqual([]);
      },
      LONG_MS,
      500,
    );
    const events = await product().kubectl('get', 'events', '-o', 'jsonpath={.items[*].reason}');
    expect(events).toMatch(/OrphanRemoved/);
    for (const name of ['follows', 'fails']) await product().caller.run('delete', name);
  }, 400_000);
}
