import { hasEndedOnAgent } from '@fsb/api/phases';

export interface SandboxEntry {
  readonly sandboxId: string;
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly number[];
  /** as the agent reports it; before that `reserved`, then `confirmed` */
  readonly phase: string;
}

/** Ports in use. */
export type Ports = Pick<ReadonlySet<number>, 'has'> & Iterable<number>;

/** What the agent has left is the same with either. */
export function holdsTheSame(one: SandboxEntry, other: SandboxEntry): boolean {
  const [ports, others] = [one.ports, other.ports];
  if (hasEndedOnAgent(one.phase) !== hasEndedOnAgent(other.phase) || ports.length !== others.length) return false;
  return ports.every((port, i) => port === others[i]);
}

/** The sandboxes of one agent. What they hold is counted as they come and go: a change must not cost what all of them do. */
export class AgentSandboxes {
  private readonly entries = new Map<string, SandboxEntry>();
  /** how many use each port: for a moment it may be the one that has it and the one that had it */
  private readonly users = new Map<number, number>();
  private slots = 0;

  /** How many hold a slot. */
  get held(): number {
    return this.slots;
  }

  /** Of those that hold a slot; it follows every change. */
  readonly ports: Ports = {
    has: (port) => this.users.has(port),
    [Symbol.iterator]: () => this.users.keys(),
  };

  get(id: string): SandboxEntry | undefined {
    return this.entries.get(id);
  }

  /** A copy: it may be changed while it is read. */
  list(): SandboxEntry[] {
    return [...this.entries.values()];
  }

  set(entry: SandboxEntry): void {
    this.delete(entry.sandboxId);
    this.entries.set(entry.sandboxId, entry);
    this.count(entry, 1);
  }

  delete(id: string): void {
    const entry = this.entries.get(id);
    if (!entry) return;
    this.entries.delete(id);
    this.count(entry, -1);
  }

  private count({ phase, ports }: SandboxEntry, change: 1 | -1): void {
    if (hasEndedOnAgent(phase)) return;
    this.slots += change;
    for (const port of ports) {
      const users = (this.users.get(port) ?? 0) + change;
      if (users > 0) this.users.set(port, users);
      else this.users.delete(port);
    }
  }
}
