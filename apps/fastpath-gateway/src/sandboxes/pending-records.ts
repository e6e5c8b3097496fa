import { type Stage } from '@fsb/agent-api/agent-api';
import { type AgentView } from '@fsb/placement/agent-directory';
import { type CreateOrder } from '../create/create-order';

/** A sandbox whose caller has its answer, and whose object is being written. */
export interface PendingRecord {
  readonly order: CreateOrder;
  readonly agent: AgentView;
  readonly sandboxId: string;
  /** Unix seconds */
  readonly createdAt: number;
  readonly stages: readonly Stage[];
  /** Unix milliseconds of the answer, by our own clock */
  readonly since: number;
  /** Somebody deleted it meanwhile: the object must not stay either. */
  cancelled: boolean;
}

/** Above this the write-behind has no more room: the sandbox-controller adopts from the agents' reports instead. */
const MAX_RECORDS = 10_000;

/** What is on its way into the API, by `namespace/name`. Losing it with the process is harmless: the agents report the same. */
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

  /** False where there is no room. */
  add(key: string, record: PendingRecord): boolean {
    if (this.records.size >= MAX_RECORDS) return false;
    this.records.set(key, record);
    return true;
  }

  /** Written, refused, or given up. */
  remove(key: string): void {
    this.records.delete(key);
    for (const tell of this.waiters.get(key) ?? []) tell();
    this.waiters.delete(key);
  }

  /** Tells when nothing of that name is pending any more: at once, where nothing is. */
  whenSettled(key: string, tell: () => void): void {
    if (this.records.has(key)) this.waiters.set(key, [...(this.waiters.get(key) ?? []), tell]);
    else tell();
  }

  /** Waits until nothing of that name is pending any more, at most until `deadline` (Unix ms). */
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
