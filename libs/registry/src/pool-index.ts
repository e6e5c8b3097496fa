import { Ranking } from './ranking';

/** An agent that takes sandboxes, as it is indexed. */
export interface IndexedAgent {
  readonly id: string;
  /** at least 1 */
  readonly free: number;
  readonly images: readonly string[];
  /** in use */
  readonly ports: ReadonlySet<number>;
}
export interface Wish {
  readonly image: string;
  readonly ports: readonly number[];
  readonly exclude: ReadonlySet<string>;
}

/** To have the image is a preference: so many agents that have it are asked for their ports before it is given up. */
const IMAGE_PROBES = 64;
/** Below this a walk over all is as quick as an index. */
const SMALL = 32;

/**
 * The agents of one pool that have a slot left. A port that more than half of them have in use would make each choice a
 * walk: for such ports those without it are ranked by themselves. Of such ports there are at most twice as many as an
 * agent has on average, so the index stays in proportion to what is indexed.
 */
export class PoolIndex {
  private readonly agents = new Map<string, IndexedAgent>();
  private readonly all = new Ranking();
  private readonly byImage = new Map<string, Ranking>();
  private readonly users = new Map<number, number>();
  private readonly without = new Map<number, Ranking>();

  constructor(private readonly random: () => number) {}

  get size(): number {
    return this.agents.size;
  }

  add(agent: IndexedAgent): void {
    const { id, free, images, ports } = agent;
    this.agents.set(id, agent);
    this.all.add(id, free);
    for (const image of images) {
      const ranking = this.byImage.get(image) ?? new Ranking();
      this.byImage.set(image, ranking);
      ranking.add(id, free);
    }
    for (const [port, ranking] of this.without) if (!ports.has(port)) ranking.add(id, free);
    for (const port of ports) {
      this.users.set(port, (this.users.get(port) ?? 0) + 1);
      this.reviewPort(port);
    }
  }

  delete(id: string): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    const { free, images, ports } = agent;
    this.agents.delete(id);
    this.all.delete(id, free);
    for (const image of images) {
      this.byImage.get(image)?.delete(id, free);
      if (this.byImage.get(image)?.size === 0) this.byImage.delete(image);
    }
    for (const [port, ranking] of this.without) if (!ports.has(port)) ranking.delete(id, free);
    for (const port of ports) {
      const users = (this.users.get(port) ?? 0) - 1;
      if (users > 0) this.users.set(port, users);
      else this.users.delete(port);
      this.reviewPort(port);
    }
  }

  /** The least loaded agent that has the image, else the least loaded; ties at random. */
  choose({ image, ports, exclude }: Wish): string | undefined {
    const fits = (id: string): boolean =>
      !exclude.has(id) && !ports.some((port) => this.agents.get(id)?.ports.has(port));
    const cached = this.byImage.get(image);
    const found = cached?.first(fits, ports.length === 0 ? Infinity : IMAGE_PROBES, this.random);
    if (found !== undefined) return found;
    const candidates = this.narrowest(ports);
    const hasImage = (id: string): boolean => fits(id) && this.agents.get(id)?.images.includes(image) === true;
    const again = cached && candidates !== this.all ? candidates.first(hasImage, IMAGE_PROBES, this.random) : undefined;
    return again ?? candidates.first(fits, Infinity, this.random);
  }

  /** The fewest agents among which each must be that has all of the ports free. */
  private narrowest(ports: readonly number[]): Ranking {
    let narrowest = this.all;
    for (const port of ports) {
      const ranking = this.without.get(port);
      if (ranking && ranking.size < narrowest.size) narrowest = ranking;
    }
    return narrowest;
  }

  /** Between a quarter and a half nothing changes: a port at the border must not be indexed over and over. */
  private reviewPort(port: number): void {
    const users = this.users.get(port) ?? 0;
    const known = this.without.get(port);
    if (known && users * 4 < this.size) this.without.delete(port);
    if (known || this.size < SMALL || users * 2 <= this.size) return;
    const ranking = new Ranking();
    for (const { id, free, ports } of this.agents.values()) if (!ports.has(port)) ranking.add(id, free);
    this.without.set(port, ranking);
  }
}
