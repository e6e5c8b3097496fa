import { randomBytes } from 'node:crypto';

/** The OCI annotation by which the runc shim knows that two containers want one process. */
export const SHIM_GROUP_ANNOTATION = 'io.containerd.runc.v2.group';

type Membership = 'there' | 'leaving';
interface Group {
  readonly name: string;
  readonly members: Map<string, Membership>;
  /** seats given to creates whose task is not there yet */
  pending: number;
  /** nobody joins any more: its shim is dead, or ends with its last member */
  closed: boolean;
}

/** A create's place in a group, until its task is there or has failed. */
export interface Seat {
  readonly group: string;
  taken(id: string): void;
  /** gives the seat back, where it was not taken */
  release(): void;
}

/**
 * Which containers share a shim. A shim ends with its last container, and a container that is just then being added fails:
 * so only a group that somebody is certain to stay in is joined, and its last member waits for those who come. One create
 * at a time in a group, since a shim makes one container after the other: a burst gets a few groups.
 */
export class ShimGroups {
  private readonly groups = new Map<string, Group>();
  private readonly groupOf = new Map<string, Group>();
  private waiting: (() => void)[] = [];

  /**
   * @param prefix says whose they are: groups of two agents never have one name
   * @param most containers in one shim, all of which end with it
   */
  constructor(
    private readonly prefix: string,
    private readonly most: number,
  ) {}

  join(): Seat {
    const group = this.fullestOpen() ?? this.open(`${this.prefix}.${randomBytes(6).toString('hex')}`);
    group.pending++;
    let isOpen = true;
    const settled = (): void => {
      if (!isOpen) return;
      isOpen = false;
      group.pending--;
      this.changed(group);
    };
    return {
      group: group.name,
      taken: (id) => {
        this.seat(id, group);
        settled();
      },
      release: settled,
    };
  }

  /** A container that was there before this process was. */
  know(id: string, name: string | undefined): void {
    if (!name?.startsWith(`${this.prefix}.`) || this.groupOf.has(id)) return;
    this.seat(id, this.groups.get(name) ?? this.open(name));
  }

  nameOf(id: string): string | undefined {
    return this.groupOf.get(id)?.name;
  }

  /** Before a task is deleted: resolves when its group does without it. */
  async leaving(id: string): Promise<void> {
    const group = this.groupOf.get(id);
    if (!group) return;
    group.members.set(id, 'leaving');
    while (group.pending > 0 && !hasAnchor(group)) {
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
      });
    }
    if (!hasAnchor(group)) group.closed = true;
  }

  left(id: string): void {
    const group = this.groupOf.get(id);
    if (!group) return;
    this.groupOf.delete(id);
    group.members.delete(id);
    this.changed(group);
  }

  /**
   * Its shim is dead: whoever joined would be the first of another process under the old one's name.
   * @returns whether nobody is just joining it
   */
  close(name: string): boolean {
    const group = this.groups.get(name);
    if (!group) return true;
    group.closed = true;
    return group.pending === 0;
  }

  /** Names of groups, and how many are in each. */
  sizes(): ReadonlyMap<string, number> {
    return new Map([...this.groups.values()].map(({ name, members, pending }) => [name, members.size + pending]));
  }

  private fullestOpen(): Group | undefined {
    let best: Group | undefined;
    for (const group of this.groups.values()) {
      if (group.closed || group.pending > 0 || group.members.size >= this.most || !hasAnchor(group)) continue;
      if (!best || group.members.size > best.members.size) best = group;
    }
    return best;
  }

  private open(name: string): Group {
    const group: Group = { name, members: new Map(), pending: 0, closed: false };
    this.groups.set(name, group);
    return group;
  }

  private seat(id: string, group: Group): void {
    group.members.set(id, 'there');
    this.groupOf.set(id, group);
  }

  private changed(group: Group): void {
    if (group.members.size === 0 && group.pending === 0) this.groups.delete(group.name);
    for (const wake of this.waiting.splice(0)) wake();
  }
}

function hasAnchor({ members }: Group): boolean {
  for (const membership of members.values()) if (membership === 'there') return true;
  return false;
}
