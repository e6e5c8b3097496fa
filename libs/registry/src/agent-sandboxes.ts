import { hasEndedOnAgent } from '@fsb/api/phases';

export interface SandboxEntry {
  readonly sandboxId: string;
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly number[];
  /** `reserved`, then `confirmed`, then as the agent reports it */
  readonly phase: string;
}

/** Ports in use. */
export type Ports = Pick<ReadonlySet<number>, 'has'> & Iterable<number>;

/** Whether both entries hold the same slot and ports, so that the agent's free room is the same with either. */
export function holdsTheSame(one: SandboxEntry, other: SandboxEntry): boolean {
  const [ports, others] = [one.ports, other.ports];
  if (hasEndedOnAgent(one.phase) !== hasEndedOnAgent(other.phase) || ports.length !== others.length) return false;
  return ports.every((port, i) => port === others[i]);
}

/** The sandboxes of one agent. Slots and ports are counted at each change, so that no change costs a walk over all. */
export class AgentSandboxes {
  private readonly entries = new Map<string, SandboxEntry>();
  /** users of each port; briefly two, when an ended sandbox and its successor overlap */
  private readonly users = new Map<number, number>();
  private slots = 0;

  /** Sandboxes that hold a slot. */
  get held(): number {
    return this.slots;
  }

  /** Ports of the sandboxes that hold a slot: a live view. */
  readonly ports: Ports = {
    has: (port) => this.users.has(port),
    [Symbol.iterator]: () => this.users.keys(),
  };

  get(id: string): SandboxEntry | undefined {
    return this.entries.get(id);
  }

  /** A copy, so that the set may change during iteration. */
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
