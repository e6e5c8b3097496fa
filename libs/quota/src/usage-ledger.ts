import { splitKey } from '@fsb/controller-runtime/kinds';
import { NOTHING, plus, type Usage } from './usage';

/**
 * What each namespace uses. A name counts once: by its object, else by a create in flight, else by an agent's report.
 * Keys are `namespace/name`.
 */
export class UsageLedger {
  private readonly objects = new Map<string, Usage>();
  private readonly held = new Map<string, Usage>();
  private readonly reported = new Map<string, Usage>();
  private readonly totals = new Map<string, Usage>();
  private readonly listeners: ((namespace: string) => void)[] = [];

  /** @param listener called after each change of a namespace's usage */
  onChange(listener: (namespace: string) => void): void {
    this.listeners.push(listener);
  }

  of(namespace: string): Usage {
    return this.totals.get(namespace) ?? NOTHING;
  }

  /** @param usage undefined when the object is gone or does not count */
  setObject(key: string, usage: Usage | undefined): void {
    this.set(this.objects, key, usage);
  }

  /** Counts a create in flight, until release. */
  hold(key: string, usage: Usage): void {
    this.set(this.held, key, usage);
  }

  release(key: string): void {
    this.set(this.held, key, undefined);
  }

  /** Counts an unbound container. @param usage undefined when it is bound or gone */
  setReported(key: string, usage: Usage | undefined): void {
    this.set(this.reported, key, usage);
  }

  private set(usages: Map<string, Usage>, key: string, usage: Usage | undefined): void {
    const before = this.counted(key);
    if (usage) usages.set(key, usage);
    else usages.delete(key);
    const { namespace } = splitKey(key);
    const after = this.counted(key);
    if (after === before) return;
    const total = plus(plus(this.of(namespace), before, -1), after);
    if (total.sandboxes === 0) this.totals.delete(namespace);
    else this.totals.set(namespace, total);
    for (const listener of this.listeners) listener(namespace);
  }

  private counted(key: string): Usage {
    return this.objects.get(key) ?? this.held.get(key) ?? this.reported.get(key) ?? NOTHING;
  }
}
