import { ContainerLabels } from '@fsb/api/labels';

/** FSB_TEST_WARM: standby containers per agent of the stacks under test; 0: none. Unset: the product's default. */
const wanted = process.env['FSB_TEST_WARM'];

/** Flags of `standalone up` for FSB_TEST_WARM. */
export const WARM_FLAGS: readonly string[] = wanted === undefined ? [] : ['--warm-containers', wanted];
export const NONE_WAIT = wanted === '0';

/** Whether a container is a standby container, which belongs to no sandbox yet. */
export function isWaiting({ labels }: { readonly labels: Readonly<Record<string, string>> }): boolean {
  return (labels[ContainerLabels.waiting] ?? '') !== '';
}
