import { type StoredObject } from '../kube-object';
import { StatusError } from '../status-error';
import { type Storage } from './storage';
import { tableKey, type Ref, sorted, Tables } from './tables';

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: string;
  readonly object: StoredObject;
  /** the object before the change; a selector may match only one of the two */
  readonly previous?: StoredObject;
  readonly revision: number;
}
type Listener = (event: StoreEvent) => void;

/** View of a mutation: its own changes on top of all earlier ones. Synchronous, so nothing can interleave. */
export interface Transaction {
  get(ref: Ref): StoredObject | undefined;
  list(resource: string, namespace?: string): StoredObject[];
  /** Sets the resourceVersion. @returns the frozen object */
  put(ref: Ref, object: StoredObject): StoredObject;
  /** @returns the object with the resourceVersion of its deletion; undefined when there is none */
  remove(ref: Ref): StoredObject | undefined;
}

interface Waiting {
  readonly run: (transaction: Transaction) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Events kept for watches that resume. An older resourceVersion is 410 Expired, and the client lists again. */
const HISTORY = 10_000;
/** key of `floors` for all resources */
const ANY = '';

/**
 * All objects in memory, with one revision counter. Writes are serialized and committed to disk in groups; only then
 * they are answered and visible to readers and watchers, so a crash never takes back what was seen.
 */
export class Store {
  private readonly waiting: Waiting[] = [];
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly history: StoreEvent[] = [];
  private committing = false;

  private constructor(
    private readonly storage: Storage,
    private readonly tables: Tables,
    /** revision by resource of the last change that is not in the history; a watch from there on misses nothing */
    private readonly floors: Map<string, number>,
    private currentRevision: number,
  ) {}

  static async open(storage: Storage): Promise<Store> {
    const { objects, changed, revision } = await storage.load();
    if (changed.size === 0 && revision > 1) {
      // database without recorded last changes: no watch from an earlier revision may resume
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

  get(ref: Ref): StoredObject | undefined {
    return this.tables.get(tableKey(ref));
  }

  /** Sorted by namespace and name, as with etcd. */
  list(resource: string, namespace = ''): StoredObject[] {
    return sorted(this.tables.entries(resource), resource, namespace);
  }

  /**
   * Runs `mutation` after all earlier ones and resolves when its changes are on disk.
   * @throws what `mutation` throws; nothing is changed then
   */
  write<T>(mutation: (transaction: Transaction) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({
        run: mutation,
        resolve: (value) => {
          resolve(value as T); // the value returned by this mutation
        },
        reject,
      });
      void this.commitWaiting();
    });
  }

  /**
   * Calls `listener` with each event of a resource after revision `since`; past ones synchronously.
   * @returns ends the watch
   * @throws StatusError 410 when the history does not reach back that far
   */
  watch(resource: string, since: number, listener: Listener): () => void {
    // a future revision belongs to another database: the client must list again too
    const floor = Math.max(this.floors.get(resource) ?? 0, this.floors.get(ANY) ?? 0);
    if (since < floor || since > this.currentRevision) {
      throw StatusError.expired(`too old resource version: ${since} (${floor})`);
    }
    for (const event of this.history) if (event.revision > since && event.resource === resource) listener(event);
    const listeners = this.listeners.get(resource) ?? new Set();
    this.listeners.set(resource, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Waits for pending writes, then closes the files. */
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

/** Mutations that share one commit; each sees the changes of earlier ones. */
class Group {
  readonly changes = new Map<string, StoredObject | undefined>();
  readonly events: StoreEvent[] = [];

  constructor(
    private readonly tables: Tables,
    public revision: number,
  ) {}

  resources(): Set<string> {
    return new Set(this.events.map(({ resource }) => resource));
  }

  /** @returns settles the promise of the mutation; to be called when the group is committed or has failed */
  run({ run, resolve, reject }: Waiting): (failure?: unknown) => void {
    const own = new Map<string, StoredObject | undefined>();
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

  private transaction(own: Map<string, StoredObject | undefined>, events: StoreEvent[]): Transaction {
    const read = (key: string): StoredObject | undefined => {
      if (own.has(key)) return own.get(key);
      return this.changes.has(key) ? this.changes.get(key) : this.tables.get(key);
    };
    const change = (ref: Ref, object: StoredObject, isRemoval: boolean): StoredObject => {
      const key = tableKey(ref);
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
      get: (ref) => read(tableKey(ref)),
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
        const object = read(tableKey(ref));
        return object && change(ref, object, true);
      },
    };
  }
}
