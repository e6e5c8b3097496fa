import { EventEmitter, on } from 'node:events';
import { type AgentEvent, type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { ApiError } from '@fsb/api/errors';
import { hasEndedOnAgent } from '@fsb/api/phases';
import { type Admission } from './admission';
import { merged, wasNeverMade } from './sandbox-status';

/** The status of each sandbox of the agent, and a stream of changes. */
export class SandboxTable {
  private readonly sandboxes = new Map<string, AgentSandboxStatus>();
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private readonly observers = new Set<Set<string>>();

  constructor(private readonly admission: Admission) {}

  get(id: string): AgentSandboxStatus | undefined {
    return this.sandboxes.get(id);
  }

  list(): AgentSandboxStatus[] {
    return [...this.sandboxes.values()];
  }

  /** Runs `work` with the ids of the sandboxes that change, come or go while it runs. */
  async during<T>(work: (changed: ReadonlySet<string>) => Promise<T>): Promise<T> {
    const changed = new Set<string>();
    this.observers.add(changed);
    try {
      return await work(changed);
    } finally {
      this.observers.delete(changed);
    }
  }

  /** Adds a sandbox, or {@link merged}s it with the status that the table has. */
  add(sandbox: AgentSandboxStatus): void {
    const { sandboxId } = sandbox;
    const before = this.sandboxes.get(sandboxId);
    this.put(before ? merged(before, sandbox) : sandbox);
  }

  /** The only way to change a sandbox: {@link merged} with what the table has. No effect where it is gone. */
  update(id: string, change: Partial<AgentSandboxStatus>): void {
    const before = this.sandboxes.get(id);
    if (before) this.put(merged(before, change));
  }

  remove(id: string): void {
    if (!this.sandboxes.delete(id)) return;
    this.markChanged(id);
    const { allocated } = this.admission;
    this.publish({ type: 'removed', sandboxId: id, allocated, free: this.admission.free() });
  }

  private put(sandbox: AgentSandboxStatus): void {
    this.markChanged(sandbox.sandboxId);
    this.sandboxes.set(sandbox.sandboxId, sandbox);
    const { allocated } = this.admission;
    this.publish({ type: 'sandbox', sandbox, allocated, free: this.admission.free() });
  }

  private markChanged(id: string): void {
    for (const changed of this.observers) changed.add(id);
  }

  publish(event: AgentEvent): void {
    this.changes.emit('change', event);
  }

  /** Changes from the call on: the listener is added before the first read. */
  watch(signal: AbortSignal): AsyncIterable<[AgentEvent]> {
    return on(this.changes, 'change', { signal }) as AsyncIterable<[AgentEvent]>; // publish() is the only emitter
  }

  /**
   * Resolves when a sandbox has ended, is not known any more, or `signal` aborts.
   * @returns its status then; undefined where it is not known
   * @throws ApiError unavailable where its create failed: it may be made elsewhere, and has no log to follow here
   */
  async untilEnded(id: string, signal: AbortSignal): Promise<AgentSandboxStatus | undefined> {
    let last: AgentSandboxStatus | undefined;
    const isOver = (sandbox: AgentSandboxStatus | undefined): boolean => {
      last = sandbox ?? last;
      return sandbox === undefined || hasEndedOnAgent(sandbox.phase);
    };
    await this.until(id, isOver, signal);
    const status = this.get(id);
    if (!status && last && wasNeverMade(last))
      throw new ApiError('unavailable', `sandbox ${id} was not made on this agent; ask again`);
    return status;
  }

  /** Resolves when `test` holds for the sandbox (undefined: unknown or removed), or when `signal` aborts. */
  until(id: string, test: (sandbox: AgentSandboxStatus | undefined) => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!signal.aborted && !test(this.get(id))) return;
        this.changes.off('change', look);
        signal.removeEventListener('abort', look);
        resolve();
      };
      this.changes.on('change', look);
      signal.addEventListener('abort', look);
      look();
    });
  }
}
