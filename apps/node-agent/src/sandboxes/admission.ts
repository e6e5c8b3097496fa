import { type FreeCapacity } from '@fsb/agent-api/agent-api';
import { type AdmissionCode } from '@fsb/api/agent-codes';

export interface Capacity {
  readonly slots: number;
  /** bytes for all sandboxes together; undefined: not counted */
  readonly memoryBytes: number | undefined;
  /** bytes that all sandboxes together may write; undefined: not counted */
  readonly storageBytes: number | undefined;
  /** ports of the agent itself */
  readonly reservedPorts: readonly number[];
}
export interface ResourceRequest {
  readonly ports: readonly number[];
  /** bytes; undefined: an equal share of the agent's memory */
  readonly memoryBytes: number | undefined;
  /** bytes; undefined: an equal share of the agent's storage */
  readonly storageBytes: number | undefined;
}
export interface Refusal {
  readonly code: AdmissionCode;
  readonly message: string;
}

interface Held {
  readonly ports: readonly number[];
  readonly memoryBytes: number;
  readonly storageBytes: number;
}

/** Slots, ports, memory and storage of one agent. Synchronous, so that a demand is admitted whole or refused whole. */
export class Admission {
  private readonly held = new Map<string, Held>();
  draining = false;

  constructor(private readonly capacity: Capacity) {}

  /** Reserves a demand until {@link release}. @returns the refusal; undefined where the demand is admitted */
  admit(id: string, demand: ResourceRequest): Refusal | undefined {
    const refusal = this.refusal(demand);
    if (!refusal) this.hold(id, demand);
    return refusal;
  }

  /** Reserves without a check, for a sandbox that already runs. */
  hold(id: string, { ports, memoryBytes, storageBytes }: ResourceRequest): void {
    const shares = { memoryBytes: memoryBytes ?? this.share(), storageBytes: storageBytes ?? this.storageShare() };
    this.held.set(id, { ports, ...shares });
  }

  release(id: string): void {
    this.held.delete(id);
  }

  /** Bytes that the sandbox may write. 0: storage is not counted; undefined: the sandbox holds nothing here. */
  storageOf(id: string): number | undefined {
    return this.held.get(id)?.storageBytes;
  }

  get allocated(): number {
    return this.held.size;
  }

  /** Ports of the agent itself, never given to a sandbox. */
  get reservedPorts(): readonly number[] {
    return this.capacity.reservedPorts;
  }

  /** Bytes that a demand without memory is charged and limited to; 0 where memory is not counted. */
  share(): number {
    return Math.floor((this.capacity.memoryBytes ?? 0) / this.capacity.slots);
  }

  /** As {@link share}, for storage. */
  storageShare(): number {
    return Math.floor((this.capacity.storageBytes ?? 0) / this.capacity.slots);
  }

  free(): FreeCapacity {
    const slots = Math.max(0, this.capacity.slots - this.held.size);
    const memory = this.left('memoryBytes');
    const storage = this.left('storageBytes');
    return {
      ...{ slots, usedPorts: this.usedPorts() },
      ...(memory === undefined ? {} : { memoryBytes: memory }),
      ...(storage === undefined ? {} : { storageBytes: storage }),
    };
  }

  private refusal({ ports, memoryBytes, storageBytes }: ResourceRequest): Refusal | undefined {
    if (this.draining) return { code: 'draining', message: 'the agent is draining' };
    if (this.held.size >= this.capacity.slots) {
      return { code: 'slots_full', message: `all ${this.capacity.slots} slots of the agent are taken` };
    }
    const used = new Set(this.usedPorts());
    const taken = ports.find((port) => used.has(port));
    if (taken !== undefined) return { code: 'port_taken', message: `port ${taken} is in use on the agent` };
    const wanted = memoryBytes ?? this.share();
    const left = this.left('memoryBytes');
    if (left !== undefined && wanted > left) {
      return { code: 'memory_full', message: `${wanted} bytes of memory asked for, ${left} left on the agent` };
    }
    const written = storageBytes ?? this.storageShare();
    const room = this.left('storageBytes');
    if (room !== undefined && written > room) {
      return { code: 'storage_full', message: `${written} bytes of storage asked for, ${room} left on the agent` };
    }
    return undefined;
  }

  private usedPorts(): number[] {
    return [...this.capacity.reservedPorts, ...[...this.held.values()].flatMap(({ ports }) => ports)];
  }

  private left(what: 'memoryBytes' | 'storageBytes'): number | undefined {
    const all = this.capacity[what];
    return all === undefined ? undefined : [...this.held.values()].reduce((rest, held) => rest - held[what], all);
  }
}
