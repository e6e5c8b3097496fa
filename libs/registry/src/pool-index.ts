import { type Ports } from './agent-sandboxes';
import { Ranking } from './ranking';

/** An agent that takes sandboxes, as indexed. */
export interface IndexedAgent {
  readonly id: string;
  /** at least 1 */
  readonly free: number;
  readonly images: readonly string[];
  /** images with a standby container there */
  readonly waiting: readonly string[];
  /** in use */
  readonly ports: Ports;
}
/** With a bit for each of 31 groups of ports. Disjoint bits mean disjoint ports, and spare a look into the set. */
type Entry = IndexedAgent & { readonly portBits: number };
export interface Wish {
  readonly image: string;
  readonly ports: readonly number[];
  readonly exclude: ReadonlySet<string>;
}

/** Agents with the image whose ports are examined. Beyond this the preference for the image is dropped. */
const IMAGE_PROBES = 64;
/** Agents below which a walk over all is as fast as an index of ports. */
const SMALL = 32;

/**
 * The agents of one pool that have a free slot. A crowded port, which more than half of them use, would make each
 * choice a walk: for each such port, the agents without it have a ranking of their own. There are at most twice as many
 * crowded ports as an agent uses on average, so the size of the index stays proportional to what it indexes.
 */
export class PoolIndex {
  private readonly agents = new Map<string, Entry>();
  private readonly all = new Ranking<Entry>();
  private readonly byImage = new Map<string, Ranking<Entry>>();
  private readonly byWaiting = new Map<string, Ranking<Entry>>();
  private readonly users = new Map<number, number>();
  private readonly without = new Map<number, Ranking<Entry>>();

  constructor(private readonly random: () => number) {}

  get size(): number {
    return this.agents.size;
  }

  add(indexed: IndexedAgent): void {
    const { images, waiting, ports } = indexed;
    const agent = { ...indexed, portBits: bitsOf(ports) };
    this.agents.set(agent.id, agent);
    this.all.add(agent);
    rank(this.byImage, images, agent);
    rank(this.byWaiting, waiting, agent);
    for (const [port, ranking] of this.without) if (!ports.has(port)) ranking.add(agent);
    for (const port of ports) {
      this.users.set(port, (this.users.get(port) ?? 0) + 1);
      this.reviewPort(port);
    }
  }

  delete(id: string): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    const { images, waiting, ports } = agent;
    this.agents.delete(id);
    this.all.delete(agent);
    unrank(this.byImage, images, agent);
    unrank(this.byWaiting, waiting, agent);
    for (const [port, ranking] of this.without) if (!ports.has(port)) ranking.delete(agent);
    for (const port of ports) {
      const users = (this.users.get(port) ?? 0) - 1;
      if (users > 0) this.users.set(port, users);
      else this.users.delete(port);
      this.reviewPort(port);
    }
  }

  /** The least loaded agent with a standby container of the image, else with the image, else any; ties at random. */
  choose({ image, ports, exclude }: Wish): string | undefined {
    const bits = bitsOf(ports);
    const fits = (agent: Entry): boolean =>
      !(exclude.size > 0 && exclude.has(agent.id)) &&
      ((agent.portBits & bits) === 0 || !ports.some((port) => agent.ports.has(port)));
    const cached = this.byImage.get(image);
    const probes = ports.length === 0 ? Infinity : IMAGE_PROBES;
    const found =
      this.byWaiting.get(image)?.first(fits, probes, this.random) ?? cached?.first(fits, probes, this.random);
    if (found) return found.id;
    const candidates = this.narrowest(ports);
    const hasImage = (agent: Entry): boolean => fits(agent) && agent.images.includes(image);
    const again = cached && candidates !== this.all ? candidates.first(hasImage, IMAGE_PROBES, this.random) : undefined;
    return (again ?? candidates.first(fits, Infinity, this.random))?.id;
  }

  /** The smallest ranking that contains every agent with all of the ports free. */
  private narrowest(ports: readonly number[]): Ranking<Entry> {
    let narrowest = this.all;
    for (const port of ports) {
      const ranking = this.without.get(port);
      if (ranking && ranking.size < narrowest.size) narrowest = ranking;
    }
    return narrowest;
  }

  /** Hysteresis: a port is indexed above half and dropped below a quarter, so that one at the border does not flap. */
  private reviewPort(port: number): void {
    const users = this.users.get(port) ?? 0;
    const known = this.without.get(port);
    if (known && users * 4 < this.size) this.without.delete(port);
    if (known || this.size < SMALL || users * 2 <= this.size) return;
    const ranking = new Ranking<Entry>();
    for (const agent of this.agents.values()) if (!agent.ports.has(port)) ranking.add(agent);
    this.without.set(port, ranking);
  }
}

function rank(rankings: Map<string, Ranking<Entry>>, images: readonly string[], agent: Entry): void {
  for (const image of images) {
    const ranking = rankings.get(image) ?? new Ranking<Entry>();
    rankings.set(image, ranking);
    ranking.add(agent);
  }
}

function unrank(rankings: Map<string, Ranking<Entry>>, images: readonly string[], agent: Entry): void {
  for (const image of images) {
    rankings.get(image)?.delete(agent);
    if (rankings.get(image)?.size === 0) rankings.delete(image);
  }
}

function bitsOf(ports: Iterable<number>): number {
  let bits = 0;
  for (const port of ports) bits |= 1 << (port % 31);
  return bits;
}
