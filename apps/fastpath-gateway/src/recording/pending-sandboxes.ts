import { type Sandbox } from '@fsb/api/sandbox';
import { type Placement } from '@fsb/placement/placement';
import { type SandboxTemplate } from '@fsb/placement/sandbox-object';

/** A sandbox that this gateway is making, or whose object it has yet to write. */
export interface PendingSandbox {
  readonly namespace: string;
  readonly name: string;
  readonly sandboxId: string;
  readonly template: SandboxTemplate;
  /** undefined while an agent is sought */
  placement?: Placement;
  /** Somebody deleted it: what there is of it goes, and no object is written. */
  cancelled: boolean;
  /** Unix milliseconds of the agent's yes: how long the object has been owed. */
  owedSince?: number;
  /** Its object as it was written, or undefined where there will be none from here. Never rejects. */
  readonly settled: Promise<Sandbox | undefined>;
}

/** By name: while a sandbox is in here its name is taken, whatever the caches say. */
export class PendingSandboxes {
  private readonly sandboxes = new Map<string, PendingSandbox>();
  private readonly settlers = new Map<string, (object: Sandbox | undefined) => void>();

  get size(): number {
    return this.sandboxes.size;
  }

  get(key: string): PendingSandbox | undefined {
    return this.sandboxes.get(key);
  }

  values(): IterableIterator<PendingSandbox> {
    return this.sandboxes.values();
  }

  begin(sandbox: Pick<PendingSandbox, 'namespace' | 'name' | 'sandboxId' | 'template'>): PendingSandbox {
    const key = `${sandbox.namespace}/${sandbox.name}`;
    const settled = new Promise<Sandbox | undefined>((resolve) => this.settlers.set(key, resolve));
    const pending = { ...sandbox, cancelled: false, settled };
    this.sandboxes.set(key, pending);
    return pending;
  }

  /** @param object that stands for it now; absent: it came to nothing, or others see to it */
  end({ namespace, name }: PendingSandbox, object?: Sandbox): void {
    const key = `${namespace}/${name}`;
    this.settlers.get(key)?.(object);
    this.settlers.delete(key);
    this.sandboxes.delete(key);
  }
}
