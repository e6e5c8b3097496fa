import { type KubeObject } from '../kube-object';
import { type Resource, storeName } from '../resources/resource';
import { type Ref, type Store } from '../store/store';
import { type ResourceRest } from '../rest/resource-rest';

/** An Event object is kept for an hour, as in Kubernetes. */
const EVENT_TTL_MS = 3_600_000;
const SWEEP_MS = 60_000;

/** What outlives its reason: dependents of deleted owners, contents of ended namespaces, old Events. */
export class GarbageCollector {
  private readonly rests: readonly ResourceRest[];
  private readonly endings: (() => void)[] = [];
  private timer: NodeJS.Timeout | undefined;
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
    this.timer = setInterval(() => {
      this.schedule();
    }, SWEEP_MS);
    this.schedule();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    for (const end of this.endings) end();
    await this.sweeping;
  }

  private schedule(): void {
    this.sweeping = this.sweeping.then(() => this.sweep()).catch(() => undefined); // the next sweep sees it again
  }

  private async sweep(): Promise<void> {
    const everything = this.rests.flatMap(({ resource }) => this.store.list(storeName(resource)));
    const uids = new Set(everything.map(({ metadata }) => metadata.uid));
    const ended = new Set(
      this.store
        .list('namespaces')
        .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
        .map(({ metadata }) => metadata.name),
    );
    for (const rest of this.rests) {
      for (const object of this.store.list(storeName(rest.resource))) {
        if (object.metadata.deletionTimestamp === undefined && isGarbage(rest.resource, object, uids, ended)) {
          const { namespace = '', name, uid } = object.metadata;
          await rest.delete(namespace, name, { dryRun: false, ...(uid !== undefined && { preconditions: { uid } }) });
        }
      }
    }
    for (const name of ended) await this.finishNamespace(name);
  }

  private async finishNamespace(name: string): Promise<void> {
    const ref: Ref = { resource: 'namespaces', namespace: '', name };
    await this.store.write((transaction) => {
      const isEmpty = this.rests.every(
        ({ resource }) => !resource.namespaced || transaction.list(storeName(resource), name).length === 0,
      );
      if (isEmpty) transaction.remove(ref);
    });
  }
}

function isGarbage(
  resource: Resource,
  { metadata, lastTimestamp, eventTime }: KubeObject,
  uids: ReadonlySet<string | undefined>,
  ended: ReadonlySet<string>,
): boolean {
  if (ended.has(metadata.namespace ?? '')) return true;
  const owners = metadata.ownerReferences ?? [];
  if (owners.length > 0 && owners.every(({ uid }) => !uids.has(uid))) return true;
  if (resource.kind !== 'Event') return false;
  const seen = [lastTimestamp, eventTime, metadata.creationTimestamp].find((time) => typeof time === 'string');
  return Date.now() - Date.parse(seen ?? '') > EVENT_TTL_MS;
}
