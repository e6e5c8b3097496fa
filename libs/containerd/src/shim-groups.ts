import { randomBytes } from 'node:crypto';

/** The OCI annotation by which the runc shim serves several containers in one process. */
export const SHIM_GROUP_ANNOTATION = 'io.containerd.runc.v2.group';

type Membership = 'there' | 'leaving';
interface Group {
  readonly name: string;
  readonly members: Map<string, Membership>;
  /** seats of creates whose task does not exist yet */
  pending: number;
  /** takes no more members: its shim is dead, or ends with its last member */
  closed: boolean;
}

/** A create's place in a group, until its task exists or has failed. */
export interface Seat {
  readonly group: string;
  /** makes the container a member: its task exists */
  taken(id: string): void;
  /** gives the seat back; no effect once it was taken */
  release(): void;
}

/**
 * Assigns containers to shared shims. A shim ends with its last container, and a create that reaches it then fails. So
 * a create joins only a group with a member that is not leaving, and the last member waits for a create in flight
 * before it leaves. A group takes one create at a time, since a shim creates containers one by one: a burst is spread
 * over groups.
 */
export class ShimGroups {
  private readonly groups = new Map<string, Group>();
  private readonly groupOf = new Map<string, Group>();
  private waiting: (() => void)[] = [];

  /**
   * @param prefix unique to the agent, so that no two agents have a group of the same name
   * @param most containers in one shim, all of which end with it
   */
  constructor(
    private readonly prefix: string,
    private readonly most: number,
  ) {}

  /** Reserves a seat in the fullest open group, or in a new one. The caller must take or release it. */
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

  /** Adds a container that a process before this one created. @param name of its group; another agent's is ignored */
  adopt(id: string, name: string | undefined): void {
    if (!name?.startsWith(`${this.prefix}.`) || this.groupOf.has(id)) return;
    this.seat(id, this.groups.get(name) ?? this.open(name));
  }

  nameOf(id: string): string | undefined {
    return this.groupOf.get(id)?.name;
  }

  /** Must be awaited before a task is deleted. Resolves when its group has another member, or no create in flight. */
  async prepareLeave(id: string): Promise<void> {
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

  /** Removes a member whose task was deleted. */
  removeMember(id: string): void {
    const group = this.groupOf.get(id);
    if (!group) return;
    this.groupOf.delete(id);
    group.members.delete(id);
    this.changed(group);
  }

  /**
   * Closes the group of a dead shim: a create would start another shim under the same name.
   * @returns whether no create is in flight to it
   */
  close(name: string): boolean {
    const group = this.groups.get(name);
    if (!group) return true;
    group.closed = true;
    return group.pending === 0;
  }

  /** Members and seats of each group, by its name. */
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
