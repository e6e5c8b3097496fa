import { type Stage } from '@fsb/agent-api/agent-api';
import { type AgentView } from '@fsb/placement/agent-directory';
import { type ValidatedCreate } from '../create/validated-create';

/** An answered create whose object is still to be written. */
export interface PendingRecord {
  readonly order: ValidatedCreate;
  readonly agent: AgentView;
  readonly sandboxId: string;
  /** Unix seconds */
  readonly createdAt: number;
  readonly stages: readonly Stage[];
  /** Unix milliseconds of the answer, by this gateway's clock */
  readonly since: number;
  /** set by a delete of the sandbox: the object must not stay either */
  cancelled: boolean;
}

/** Bound of the pending records. Beyond it the sandbox-controller adopts sandboxes from the agents' reports instead. */
const MAX_RECORDS = 10_000;

/**
 * Pending records, by `namespace/name`. They may be lost with the process: the agents report the same, and the
 * sandbox-controller adopts.
 */
export class PendingRecords {
  private readonly records = new Map<string, PendingRecord>();
  private readonly waiters = new Map<string, (() => void)[]>();

  get(key: string): PendingRecord | undefined {
    return this.records.get(key);
  }

  list(): Iterable<PendingRecord> {
    return this.records.values();
  }

  get size(): number {
    return this.records.size;
  }

  /** @returns false when there is no room */
  add(key: string, record: PendingRecord): boolean {
    if (this.records.size >= MAX_RECORDS) return false;
    this.records.set(key, record);
    return true;
  }

  /** Removes a record whose object was written, refused, or left to adoption. */
  remove(key: string): void {
    this.records.delete(key);
    for (const settle of this.waiters.get(key) ?? []) settle();
    this.waiters.delete(key);
  }

  /** Calls `settle` once nothing of that name is pending; at once when nothing is. */
  whenSettled(key: string, settle: () => void): void {
    if (this.records.has(key)) this.waiters.set(key, [...(this.waiters.get(key) ?? []), settle]);
    else settle();
  }

  /** Resolves once nothing of that name is pending, or at `deadline` (Unix milliseconds). */
  async settled(key: string, deadline: number): Promise<void> {
    if (!this.records.has(key)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, deadline - Date.now()));
      this.whenSettled(key, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
