import { type StoredObject } from '../kube-object';
import { storeName } from '../resources/resource';
import { type Store, type StoreEvent } from '../store/store';
import { type Ref } from '../store/tables';
import { type ResourceRest } from '../rest/resource-rest';
import { StatusError } from '../status-error';
import { EndingOwners } from './ending-owners';
import { OwnerIndex } from './owner-index';

/** An Event object is kept for an hour, as in Kubernetes. */
const EVENT_TTL_MS = 3_600_000;
const SWEEP_MS = 60_000;
/** Debounce: deletions come in bursts. */
const COALESCE_MS = 50;

/**
 * Removes dependents of deleted owners, contents of deleted namespaces, and old Events. The cost of a change grows with
 * the dependents of the object, not with the store; only the start looks at every object.
 */
export class GarbageCollector {
  private readonly rests: ReadonlyMap<string, ResourceRest>;
  private readonly namespaced: readonly string[];
  private readonly index = new OwnerIndex();
  private readonly owners: EndingOwners;
  /** objects that may have lost their last owner, by key */
  private readonly suspects = new Map<string, Ref>();
  /** namespaces being deleted; true: their contents have changed since the last sweep */
  private readonly ending = new Map<string, boolean>();
  private readonly endings: (() => void)[] = [];
  private interval: NodeJS.Timeout | undefined;
  private next: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: Store,
    rests: Iterable<ResourceRest>,
  ) {
    this.rests = new Map([...rests].map((rest) => [storeName(rest.resource), rest]));
    this.owners = new EndingOwners(store, this.rests, this.index);
    this.namespaced = [...this.rests].filter(([, { resource }]) => resource.namespaced).map(([name]) => name);
  }

  /** Looks at every object once, for work that a crash interrupted, then only at those that a change concerns. */
  start(): void {
    for (const name of this.rests.keys()) {
      this.endings.push(
        this.store.watch(name, this.store.revision, (event) => {
          this.see(event);
        }),
      );
      for (const object of this.store.list(name)) this.see({ type: 'ADDED', resource: name, object });
    }
    this.interval = setInterval(() => {
      for (const name of this.ending.keys()) this.ending.set(name, true);
      this.schedule();
    }, SWEEP_MS);
    this.schedule();
  }

  async stop(): Promise<void> {
    for (const end of this.endings) end();
    clearInterval(this.interval);
    clearTimeout(this.next);
    await this.sweeping;
  }

  private see({ type, resource, object, previous }: Omit<StoreEvent, 'revision'>): void {
    const { namespace = '', name, deletionTimestamp } = object.metadata;
    const ref = { resource, namespace, name };
    const orphans = type === 'DELETED' ? this.index.remove(ref, object) : this.index.put(ref, object, previous);
    for (const orphan of orphans) this.suspects.set(`${orphan.resource}/${orphan.namespace}/${orphan.name}`, orphan);
    if (resource === 'namespaces' && deletionTimestamp !== undefined) {
      if (type === 'DELETED') this.ending.delete(name);
      else this.ending.set(name, true);
    }
    if (this.ending.has(namespace)) this.ending.set(namespace, true);
    const waits = this.owners.observe(ref, object, type === 'DELETED');
    if (waits || orphans.length > 0 || this.ending.has(namespace) || this.ending.has(name)) this.schedule();
  }

  private schedule(): void {
    this.next ??= setTimeout(() => {
      this.next = undefined;
      this.sweeping = this.sweeping.then(() => this.sweep());
    }, COALESCE_MS);
  }

  private async sweep(): Promise<void> {
    const suspects = [...this.suspects.values()];
    this.suspects.clear();
    const orphans = suspects.filter((ref) => this.isOrphan(ref));
    const namespaces = [...this.ending].filter(([, changed]) => changed).map(([name]) => name);
    for (const name of namespaces) this.ending.set(name, false);
    const garbage = [...orphans, ...namespaces.flatMap((name) => this.contents(name)), ...this.oldEvents()];
    await Promise.all(garbage.map((ref) => this.end(ref)));
    await this.owners.proceed();
    await Promise.allSettled(namespaces.map((name) => this.finishNamespace(name)));
  }

  private isOrphan(ref: Ref): boolean {
    const object = this.store.get(ref);
    return object !== undefined && !isEnding(object) && this.index.isOrphan(object);
  }

  private contents(namespace: string): Ref[] {
    return this.namespaced.flatMap((resource) =>
      this.store
        .list(resource, namespace)
        .filter((object) => !isEnding(object))
        .map((object) => refOf(resource, object)),
    );
  }

  /** Events older than an hour. */
  private oldEvents(): Ref[] {
    const old = this.store.list('events').filter((event) => Date.now() - timeOf(event) > EVENT_TTL_MS);
    return old.map((event) => refOf('events', event));
  }

  /** A failure is retried with the next sweep. */
  private async end(ref: Ref): Promise<void> {
    const uid = this.store.get(ref)?.metadata.uid;
    const options = { dryRun: false, ...(uid !== undefined && { preconditions: { uid } }) };
    try {
      await this.rests.get(ref.resource)?.delete(ref.namespace, ref.name, options);
    } catch (error) {
      // gone, or replaced
      if (error instanceof StatusError && [404, 409].includes(error.code)) return;
      this.suspects.set(`${ref.resource}/${ref.namespace}/${ref.name}`, ref);
    }
  }

  private async finishNamespace(name: string): Promise<void> {
    const ref: Ref = { resource: 'namespaces', namespace: '', name };
    await this.store.write((transaction) => {
      const isEmpty = this.namespaced.every((resource) => transaction.list(resource, name).length === 0);
      const { finalizers = [] } = transaction.get(ref)?.metadata ?? {};
      if (isEmpty && finalizers.length === 0) transaction.remove(ref);
    });
  }
}

function refOf(resource: string, { metadata: { namespace = '', name } }: StoredObject): Ref {
  return { resource, namespace, name };
}

function isEnding({ metadata }: StoredObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

function timeOf({ metadata, lastTimestamp, eventTime }: StoredObject): number {
  const seen = [lastTimestamp, eventTime, metadata.creationTimestamp].find((time) => typeof time === 'string');
  return Date.parse(seen ?? '');
}
