import { type WarmImage } from './warm-demand';

/** A container that waits. */
export interface Waiting {
  readonly id: string;
  /** normalised name */
  readonly image: string;
  /** what it was made of: another key is another container */
  readonly key: string;
}

export type WarmStep = { readonly add: string } | { readonly remove: Waiting };

/**
 * What to do next so that as many wait as should. Pure.
 * @param keys of the images as they are tagged now; an image without one is not on the node
 */
export function nextStep(
  waiting: readonly Waiting[],
  targets: ReadonlyMap<string, number>,
  keys: ReadonlyMap<string, string>,
): WarmStep | undefined {
  const outdated = waiting.find(({ image, key }) => keys.get(image) !== key);
  if (outdated) return { remove: outdated };
  const counts = countByImage(waiting);
  for (const [image, wanted] of targets)
    if (keys.has(image) && (counts.get(image) ?? 0) < wanted) return { add: image };
  const surplus = waiting.find(({ image }) => (counts.get(image) ?? 0) > (targets.get(image) ?? 0));
  return surplus && { remove: surplus };
}

export function countByImage(waiting: readonly Waiting[]): ReadonlyMap<string, WarmImage['containers']> {
  const counts = new Map<string, number>();
  for (const { image } of waiting) counts.set(image, (counts.get(image) ?? 0) + 1);
  return counts;
}
