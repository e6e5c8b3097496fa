import { ContainerLabels } from '@fsb/api/labels';

/** FSB_TEST_WARM says how many containers may wait on each agent of the stacks under test; 0: none. Absent: the default. */
const wanted = process.env['FSB_TEST_WARM'];

/** Flags of `standalone up`. */
export const WARM_FLAGS: readonly string[] = wanted === undefined ? [] : ['--warm-containers', wanted];
export const NONE_WAIT = wanted === '0';

/** Whether a container waits for a sandbox: it is nobody's yet. */
export function isWaiting({ labels }: { readonly labels: Readonly<Record<string, string>> }): boolean {
  return (labels[ContainerLabels.waiting] ?? '') !== '';
}
