import { type AdmissionCode, type FreeCapacity } from '@fsb/agent-api/agent-api';

export interface Capacity {
  readonly slots: number;
  /** bytes for all sandboxes together; undefined: not counted */
  readonly memoryBytes: number | undefined;
  /** the agent's own */
  readonly reservedPorts: readonly number[];
}
export interface Demand {
  readonly ports: readonly number[];
  /** bytes; undefined: an equal share of the agent's */
  readonly memoryBytes: number | undefined;
}
export interface Refusal {
  readonly code: AdmissionCode;
  readonly message: string;
}

/** Slots, ports and memory of one agent. Synchronous: a demand is admitted whole or refused whole. */
export class Admission {
  private readonly held = new Map<string, { ports: readonly number[]; memoryBytes: number }>();
  draining = false;

  constructor(private readonly capacity: Capacity) {}

  /** @returns why not, or undefined: the demand is held until {@link release}. */
  admit(id: string, demand: Demand): Refusal | undefined {
    const refusal = this.refusal(demand);
    if (!refusal) this.hold(id, demand);
    return refusal;
  }

  /** What already runs is held without asking. */
  hold(id: string, { ports, memoryBytes }: Demand): void {
    this.held.set(id, { ports, memoryBytes: memoryBytes ?? this.share() });
  }

  release(id: string): void {
    this.held.delete(id);
  }

  get allocated(): number {
    return this.held.size;
  }

  /** What a demand that names no memory is charged, and limited to; 0 where memory is not counted. */
  share(): number {
    return Math.floor((this.capacity.memoryBytes ?? 0) / this.capacity.slots);
  }

  free(): FreeCapacity {
    const slots = Math.max(0, this.capacity.slots - this.held.size);
    const memory = this.freeMemory();
    return { slots, usedPorts: this.usedPorts(), ...(memory === undefined ? {} : { memoryBytes: memory }) };
  }

  private refusal({ ports, memoryBytes }: Demand): Refusal | undefined {
    if (this.draining) return { code: 'draining', message: 'the agent is draining' };
    if (this.held.size >= this.capacity.slots) {
      return { code: 'slots_full', message: `all ${this.capacity.slots} slots of the agent are taken` };
    }
    const used = new Set(this.usedPorts());
    const taken = ports.find((port) => used.has(port));
    if (taken !== undefined) return { code: 'port_taken', message: `port ${taken} is in use on the agent` };
    const wanted = memoryBytes ?? this.share();
    const left = this.freeMemory();
    if (left !== undefined && wanted > left) {
      return { code: 'memory_full', message: `${wanted} bytes of memory asked for, ${left} left on the agent` };
    }
    return undefined;
  }

  private usedPorts(): number[] {
    return [...this.capacity.reservedPorts, ...[...this.held.values()].flatMap(({ ports }) => ports)];
  }

  private freeMemory(): number | undefined {
    if (this.capacity.memoryBytes === undefined) return undefined;
    return [...this.held.values()].reduce((left, { memoryBytes }) => left - memoryBytes, this.capacity.memoryBytes);
  }
}
