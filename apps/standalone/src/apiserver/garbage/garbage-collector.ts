import { type KubeObject } from '../kube-object';
import { type Resource, storeName } from '../resources/resource';
import { type Ref, type Store } from '../store/store';
import { type ResourceRest } from '../rest/resource-rest';

/** An Event object is kept for an hour, as in Kubernetes. */
const EVENT_TTL_MS = 3_600_000;
const SWEEP_MS = 60_000;
/** Deletions come in bursts, and a sweep looks at everything. */
const COALESCE_MS = 50;

/** What outlives its reason: dependents of deleted owners, contents of ended namespaces, old Events. */
export class GarbageCollector {
  private readonly rests: readonly ResourceRest[];
  private readonly endings: (() => void)[] = [];
  private interval: NodeJS.Timeout | undefined;
  private next: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: Store,
    rests: Iterable<ResourceRest>,
  ) {
    this.rests = [...rests];
  }

  /** Sweeps once, for what a crash interrupted, then after each change that can leave garbage. */
  start(): void {
    for (const { resource } of this.rests) {
      const ending = this.store.watch(storeName(resource), this.store.revision, ({ type, object }) => {
        if (type === 'DELETED' || object.metadata.deletionTimestamp !== undefined) this.schedule();
      });
      this.endings.push(ending);
    }
    this.interval = setInterval(() => {
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

  private schedule(): void {
    this.next ??= setTimeout(() => {
      this.next = undefined;
      this.sweeping = this.sweeping.then(() => this.sweep());
    }, COALESCE_MS);
  }

  private async sweep(): Promise<void> {
    const ended = this.store.list('namespaces').filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    const names = new Set(ended.map(({ metadata }) => metadata.name));
    const garbage = this.findGarbage(names);
    // what fails here is found again by the next sweep
    await Promise.allSettled(garbage.map(([rest, object]) => end(rest, object)));
    await Promise.allSettled([...names].map((name) => this.finishNamespace(name)));
  }

  /** At one moment: an owner that came later must not miss in the list of those that are there. */
  private findGarbage(ended: ReadonlySet<string>): [ResourceRest, KubeObject][] {
    const everything = this.rests.flatMap((rest) =>
      this.store.list(storeName(rest.resource)).map((object): [ResourceRest, KubeObject] => [rest, object]),
    );
    const owners: Owners = new Map(everything.map(([, { metadata }]) => [metadata.uid, metadata.namespace ?? '']));
    return everything.filter(
      ([{ resource }, object]) =>
        object.metadata.deletionTimestamp === undefined && isGarbage(resource, object, owners, ended),
    );
  }

  private async finishNamespace(name: string): Promise<void> {
    const ref: Ref = { resource: 'namespaces', namespace: '', name };
    await this.store.write((transaction) => {
      const isEmpty = this.rests.every(
        ({ resource }) => !resource.namespaced || transaction.list(storeName(resource), name).length === 0,
      );
      const { finalizers = [] } = transaction.get(ref)?.metadata ?? {};
      if (isEmpty && finalizers.length === 0) transaction.remove(ref);
    });
  }
}

async function end(rest: ResourceRest, { metadata: { namespace = '', name, uid } }: KubeObject): Promise<void> {
  await rest.delete(namespace, name, { dryRun: false, ...(uid !== undefined && { preconditions: { uid } }) });
}

/** Every object's namespace by its uid. */
type Owners = ReadonlyMap<string | undefined, string>;

function isGarbage(
  resource: Resource,
  { metadata, lastTimestamp, eventTime }: KubeObject,
  owners: Owners,
  ended: ReadonlySet<string>,
): boolean {
  if (ended.has(metadata.namespace ?? '')) return true;
  // an owner lives in the same namespace or in none
  const isThere = (uid: string): boolean => ['', metadata.namespace ?? ''].includes(owners.get(uid) ?? '\0');
  const references = metadata.ownerReferences ?? [];
  if (references.length > 0 && !references.some(({ uid }) => isThere(uid))) return true;
  if (resource.kind !== 'Event') return false;
  const seen = [lastTimestamp, eventTime, metadata.creationTimestamp].find((time) => typeof time === 'string');
  return Date.now() - Date.parse(seen ?? '') > EVENT_TTL_MS;
}
