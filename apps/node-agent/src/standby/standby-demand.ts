import { setBounded } from '@fsb/kit/set-bounded';

export interface WarmImage {
  /** normalised name */
  readonly image: string;
  readonly containers: number;
}

/** Creates within this time of the first are one burst: none of them can wait for a refill. */
const BURST_MS = 2_000;
/** An image is hot if it was asked for twice within this time. */
const HOT_MS = 60_000;
const MAX_IMAGES = 256;

/**
 * How many standby containers each image should have: images that are named, and images that creates show to be hot.
 */
export class StandbyDemand {
  /** by image: starts of its bursts (Unix milliseconds) and the creates in each */
  private readonly bursts = new Map<string, { startedAt: number; creates: number }[]>();
  private named: readonly WarmImage[] = [];

  setNamed(images: readonly WarmImage[]): void {
    this.named = images;
  }

  created(image: string, now: number): void {
    const bursts = this.recent(image, now);
    const last = bursts.at(-1);
    if (last && now - last.startedAt < BURST_MS) last.creates++;
    else bursts.push({ startedAt: now, creates: 1 });
    setBounded(this.bursts, image, bursts, MAX_IMAGES);
  }

  /**
   * @param budget for all images together: named ones first, then those asked for last
   * @param now Unix milliseconds
   * @returns standby containers by image; images that should have none are absent
   */
  targets(budget: number, now: number): ReadonlyMap<string, number> {
    const targets = new Map<string, number>();
    let left = budget;
    const want = (image: string, containers: number): void => {
      const more = Math.min(left, containers - (targets.get(image) ?? 0));
      if (more <= 0) return;
      left -= more;
      targets.set(image, (targets.get(image) ?? 0) + more);
    };
    for (const { image, containers } of this.named) want(image, containers);
    for (const image of [...this.bursts.keys()].reverse()) want(image, this.hot(image, now));
    return targets;
  }

  /** The largest burst of the last minute; 0 after a single create. */
  private hot(image: string, now: number): number {
    const bursts = this.recent(image, now);
    const all = bursts.reduce((sum, { creates }) => sum + creates, 0);
    return all < 2 ? 0 : Math.max(...bursts.map(({ creates }) => creates));
  }

  private recent(image: string, now: number): { startedAt: number; creates: number }[] {
    return (this.bursts.get(image) ?? []).filter(({ startedAt }) => now - startedAt < HOT_MS);
  }
}
