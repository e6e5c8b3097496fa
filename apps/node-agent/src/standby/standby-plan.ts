import { type WarmImage } from './standby-demand';

/** A standby container. */
export interface StandbyContainer {
  readonly id: string;
  /** normalised name */
  readonly image: string;
  /** hash of what it was made of; a container with another key cannot replace it */
  readonly key: string;
}

export type WarmStep = { readonly add: string } | { readonly remove: StandbyContainer };

/**
 * The next step towards the targets. Pure.
 * @param targets standby containers by image
 * @param keys by image, as it is tagged now; an image without a key is not on the node
 * @returns undefined where nothing is to be done
 */
export function nextStep(
  waiting: readonly StandbyContainer[],
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

export function countByImage(waiting: readonly StandbyContainer[]): ReadonlyMap<string, WarmImage['containers']> {
  const counts = new Map<string, number>();
  for (const { image } of waiting) counts.set(image, (counts.get(image) ?? 0) + 1);
  return counts;
}
