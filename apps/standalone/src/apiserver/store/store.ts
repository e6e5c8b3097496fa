import { type KubeObject } from '../kube-object';
import { StatusError } from '../status-error';
import { type Storage } from './storage';
import { keyOf, type Ref, sorted, Tables } from './tables';

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: string;
  readonly object: KubeObject;
  /** as it was before: a selector may match one and not the other */
  readonly previous?: KubeObject;
  readonly revision: number;
}
type Listener = (event: StoreEvent) => void;

/** The view that a mutation has: its own changes over everything decided before it. Synchronous, so nothing comes between. */
export interface Transaction {
  get(ref: Ref): KubeObject | undefined;
  list(resource: string, namespace?: string): KubeObject[];
  /** Sets the resourceVersion; answers the frozen object. */
  put(ref: Ref, object: KubeObject): KubeObject;
  /** Answers the object with the resourceVersion of its deletion. */
  remove(ref: Ref): KubeObject | undefined;
}

interface Waiting {
  readonly run: (transaction: Transaction) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Events kept for watches that resume; an older resourceVersion is 410 Expired and the watcher lists anew. */
const HISTORY = 10_000;
/** in the place of a resource's name */
const ANY = '';

/**
 * Every object in memory under one revision counter. Writes are decided one after the other, committed to disk in
 * groups, and only then seen by readers and watchers and answered: nobody sees what a crash could take back.
 */
export class Store {
  private readonly waiting: Waiting[] = [];
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly history: StoreEvent[] = [];
  private committing = false;

  private constructor(
    private readonly storage: Storage,
    private readonly tables: Tables,
    /** by resource: the last change that the history does not have; a watch from there or later misses nothing */
    private readonly floors: Map<string, number>,
    private currentRevision: number,
  ) {}

  static async open(storage: Storage): Promise<Store> {
    const { objects, changed, revision } = await storage.load();
    if (changed.size === 0 && revision > 1) {
      // written before this was kept: of no resource is known what a watch from an earlier revision would miss
      changed.set(ANY, revision);
      await storage.commit(new Map(), [ANY], revision);
    }
    const tables = new Tables();
    for (const [key, object] of objects) tables.set(key, object);
    return new Store(storage, tables, changed, revision);
  }

  get revision(): number {
    return this.currentRevision;
  }

  get(ref: Ref): KubeObject | undefined {
    return this.tables.get(keyOf(ref));
  }

  /** Sorted by namespace and name, as etcd would. */
  list(resource: string, namespace = ''): KubeObject[] {
    return sorted(this.tables.entries(resource), resource, namespace);
  }

  /** Runs `mutation` after all earlier ones; resolves once it is on disk. What it throws changes nothing. */
  write<T>(mutation: (transaction: Transaction) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({
        run: mutation,
        resolve: (value) => {
          resolve(value as T); // what this mutation returned, kept beside others of other types
        },
        reject,
      });
      void this.commitWaiting();
    });
  }

  /**
   * Calls `listener` with each event of a resource after revision `since`, old ones at once.
   * @returns ends it
   * @throws StatusError 410 where the history does not reach back that far
   */
  watch(resource: string, since: number, listener: Listener): () => void {
    // a revision from the future is one of another database: only a new list helps there too
    const floor = Math.max(this.floors.get(resource) ?? 0, this.floors.get(ANY) ?? 0);
    if (since < floor || since > this.currentRevision) {
      throw StatusError.expired(`too old resource version: ${since} (${floor})`);
    }
    for (const event of this.history) if (event.revision > since && event.resource === resource) listener(event);
    const listeners = this.listeners.get(resource) ?? new Set();
    this.listeners.set(resource, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Waits for what is being written, then closes the files. */
  async close(): Promise<void> {
    await this.write(() => undefined);
    await this.storage.close();
  }

  private async commitWaiting(): Promise<void> {
    if (this.committing) return;
    this.committing = true;
    while (this.waiting.length > 0) {
      const group = new Group(this.tables, this.currentRevision);
      const answers = this.waiting.splice(0).map((waiting) => group.run(waiting));
      try {
        if (group.changes.size > 0) await this.storage.commit(group.changes, group.resources(), group.revision);
        this.apply(group);
        for (const answer of answers) answer();
      } catch (error) {
        for (const answer of answers) answer(error);
      }
    }
    this.committing = false;
  }

  private apply({ changes, events, revision }: Group): void {
    for (const [key, object] of changes) {
      this.tables.set(key, object);
    }
    this.currentRevision = revision;
    for (const event of events) {
      this.history.push(event);
      for (const listener of [...(this.listeners.get(event.resource) ?? [])]) listener(event);
    }
    const dropped = this.history.splice(0, Math.max(0, this.history.length - HISTORY));
    for (const { resource, revision: at } of dropped) this.floors.set(resource, at);
  }
}

/** Mutations that share one commit; each sees those before it. */
class Group {
  readonly changes = new Map<string, KubeObject | undefined>();
  readonly events: StoreEvent[] = [];

  constructor(
    private readonly tables: Tables,
    public revision: number,
  ) {}

  resources(): Set<string> {
    return new Set(this.events.map(({ resource }) => resource));
  }

  /** @returns answers the mutation's caller, once the group is committed or has failed */
  run({ run, resolve, reject }: Waiting): (failure?: unknown) => void {
    const own = new Map<string, KubeObject | undefined>();
    const events: StoreEvent[] = [];
    const start = this.revision;
    try {
      const result = run(this.transaction(own, events));
      for (const [key, object] of own) this.changes.set(key, object);
      this.events.push(...events);
      return (failure) => {
        if (failure === undefined) resolve(result);
        else reject(failure);
      };
    } catch (error) {
      this.revision = start;
      return () => {
        reject(error);
      };
    }
  }

  private transaction(own: Map<string, KubeObject | undefined>, events: StoreEvent[]): Transaction {
    const read = (key: string): KubeObject | undefined => {
      if (own.has(key)) return own.get(key);
      return this.changes.has(key) ? this.changes.get(key) : this.tables.get(key);
    };
    const change = (ref: Ref, object: KubeObject, isRemoval: boolean): KubeObject => {
      const key = keyOf(ref);
      const previous = read(key);
      this.revision += 1;
      const versioned = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.revision) } };
      own.set(key, isRemoval ? undefined : Object.freeze(versioned));
      const type = isRemoval ? 'DELETED' : previous ? 'MODIFIED' : 'ADDED';
      const { resource } = ref;
      events.push({ type, resource, object: versioned, revision: this.revision, ...(previous && { previous }) });
      return versioned;
    };
    return {
      get: (ref) => read(keyOf(ref)),
      list: (resource, namespace = '') => {
        const view = new Map(this.tables.entries(resource));
        for (const [key, object] of [...this.changes, ...own]) {
          if (object) view.set(key, object);
          else view.delete(key);
        }
        return sorted(view, resource, namespace);
      },
      put: (ref, object) => change(ref, object, false),
      remove: (ref) => {
        const object = read(keyOf(ref));
        return object && change(ref, object, true);
      },
    };
  }
}
