import { fieldAt, isJson, type Json, type StoredObject } from '../kube-object';
import { type Resource, selectableFields, storeName } from '../resources/resource';
import { StatusError } from '../status-error';
import { fieldSelector, labelSelector, type Selector } from '../store/selectors';
import { type Store, type StoreEvent, type Transaction } from '../store/store';
import { type Ref } from '../store/tables';
import { finalizersFor, deletionGracePeriod, markDeleted, type PropagationPolicy } from './deletion';
import { canonical, decodeBody, type FieldValidation, newObject, now, updatedObject } from './object-rules';
import { applyPatch, type PatchType } from './patch';

export interface WriteOptions {
  readonly fieldValidation: FieldValidation;
  readonly dryRun: boolean;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  /** absent: by the object's finalizers, else Background */
  readonly propagationPolicy?: PropagationPolicy;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun: boolean;
}

export interface Written {
  readonly object: StoredObject;
  readonly warnings: readonly string[];
  readonly isNew?: boolean;
}

export interface ResourceEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: StoredObject;
}

/** Aborts the transaction of a dry run; carries its result. */
class DryRun extends Error {
  constructor(readonly object: StoredObject) {
    super('dry run');
  }
}

/** The verbs of one kind, with Kubernetes' rules about metadata, status and finalizers. */
export class ResourceRest {
  private readonly name: string;

  constructor(
    private readonly store: Store,
    readonly resource: Resource,
  ) {
    this.name = storeName(resource);
  }

  get(namespace: string, name: string): StoredObject {
    return this.store.get(this.ref(namespace, name)) ?? this.fail(name);
  }

  list(namespace: string, selector: Selector): StoredObject[] {
    return this.store.list(this.name, namespace).filter(selector);
  }

  /** Revision of the store, the resourceVersion of a list. */
  get revision(): number {
    return this.store.revision;
  }

  /**
   * Watches changes after the revision `since`. An object that starts to match the selector is ADDED, one that stops to
   * match is DELETED.
   * @returns ends the watch
   * @throws StatusError 410 when `since` is compacted
   */
  watch(namespace: string, selector: Selector, since: number, listener: (event: ResourceEvent) => void): () => void {
    return this.store.watch(this.name, since, (change) => {
      if (namespace !== '' && change.object.metadata.namespace !== namespace) return;
      const event = asSeen(change, selector);
      if (event) listener(event);
    });
  }

  /** @throws StatusError 400 */
  selector(labels: string | null, fields: string | null): Selector {
    const byLabel = labelSelector(labels ?? '');
    const byField = fieldSelector(fields ?? '', selectableFields(this.resource));
    return (object) => byLabel(object) && byField(object);
  }

  async create(namespace: string, body: Json, options: WriteOptions): Promise<Written> {
    const { object, warnings } = decodeBody(this.resource, body, options.fieldValidation);
    const given = fieldAt(object, ['metadata', 'namespace']);
    if (this.resource.namespaced && typeof given === 'string' && given !== namespace) {
      throw StatusError.badRequest(
        `the namespace of the provided object (${given}) does not match the namespace sent on the request (${namespace})`,
      );
    }
    const created = newObject(this.resource, object, namespace);
    const stored = await this.mutate(options.dryRun, (transaction) => {
      if (this.resource.namespaced) requireNamespace(transaction, namespace);
      const ref = this.ref(namespace, created.metadata.name);
      if (transaction.get(ref)) throw StatusError.alreadyExists(this.resource.plural, this.resource.group, ref.name);
      return transaction.put(ref, created);
    });
    return { object: stored, warnings };
  }

  async update(
    ref: Omit<Ref, 'resource'>,
    subresource: '' | 'status',
    body: Json,
    options: WriteOptions,
  ): Promise<Written> {
    if (this.resource.isCreatedByUpdate && !this.store.get(this.ref(ref.namespace, ref.name))) {
      const meta = isJson(body['metadata']) ? body['metadata'] : {};
      const named = { ...body, metadata: { ...meta, name: meta['name'] ?? ref.name } };
      return { ...(await this.create(ref.namespace, named, options)), isNew: true };
    }
    const { object, warnings } = decodeBody(this.resource, body, options.fieldValidation);
    const stored = await this.change(ref, subresource, options.dryRun, () => object);
    return { object: stored, warnings };
  }

  async patch(
    ref: Omit<Ref, 'resource'>,
    subresource: '' | 'status',
    patch: { type: PatchType; body: unknown },
    options: WriteOptions,
  ): Promise<Written> {
    if (patch.type === 'strategic' && this.resource.isCustom) {
      throw new StatusError(
        415,
        'UnsupportedMediaType',
        'custom resources take application/merge-patch+json and application/json-patch+json',
      );
    }
    let warnings: readonly string[] = [];
    const stored = await this.change(ref, subresource, options.dryRun, (current) => {
      const result = decodeBody(this.resource, applyPatch(patch.type, current, patch.body), options.fieldValidation);
      ({ warnings } = result);
      return result.object;
    });
    return { object: stored, warnings };
  }

  /**
   * Removes an object, or marks it as deleted when finalizers or a kubelet must act first.
   * @returns `gone`: it was removed
   */
  async delete(
    namespace: string,
    name: string,
    options: DeleteOptions,
  ): Promise<{ object: StoredObject; gone: boolean }> {
    let gone = false;
    const object = await this.mutate(options.dryRun, (transaction) => {
      const ref = this.ref(namespace, name);
      const current = transaction.get(ref) ?? this.fail(name);
      this.checkPreconditions(current, options.preconditions ?? {});
      const grace = deletionGracePeriod(this.resource, current, options.gracePeriodSeconds);
      // a namespace has no dependents but its contents
      const policy = this.name === 'namespaces' ? undefined : options.propagationPolicy;
      const finalizers = finalizersFor(current.metadata.finalizers ?? [], policy);
      gone = grace === 0 && finalizers.length === 0 && this.name !== 'namespaces';
      if (gone) return transaction.remove(ref) ?? current;
      return markDeleted(transaction, ref, current, { grace, finalizers });
    });
    return { object, gone };
  }

  /** Binds a Pod: sets spec.nodeName and the condition PodScheduled. @throws StatusError 409 when it is bound */
  bind(namespace: string, name: string, nodeName: string): Promise<StoredObject> {
    return this.store.write((transaction) => {
      const ref = this.ref(namespace, name);
      const pod = transaction.get(ref) ?? this.fail(name);
      const spec = isJson(pod['spec']) ? pod['spec'] : {};
      if (spec['nodeName'] !== undefined) {
        throw StatusError.conflict('pods', '', name, `pod ${name} is already assigned to a node`);
      }
      const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: now() };
      const status = isJson(pod['status']) ? pod['status'] : {};
      return transaction.put(ref, {
        ...pod,
        spec: { ...spec, nodeName },
        status: { ...status, conditions: [scheduled] },
      });
    });
  }

  private change(
    { namespace, name }: Omit<Ref, 'resource'>,
    subresource: '' | 'status',
    dryRun: boolean,
    next: (current: StoredObject) => Json,
  ): Promise<StoredObject> {
    const ref = this.ref(namespace, name);
    return this.mutate(dryRun, (transaction) => {
      const current = transaction.get(ref) ?? this.fail(name);
      const updated = updatedObject(this.resource, current, next(current), subresource);
      if (canonical(updated) === canonical(current)) return current; // no event for a write without change
      const { deletionTimestamp, finalizers = [], deletionGracePeriodSeconds = 0 } = updated.metadata;
      const isOver = deletionTimestamp !== undefined && finalizers.length === 0 && deletionGracePeriodSeconds === 0;
      if (isOver && this.name !== 'namespaces') return transaction.remove(ref) ?? updated;
      return transaction.put(ref, updated);
    });
  }

  private async mutate(dryRun: boolean, mutation: (transaction: Transaction) => StoredObject): Promise<StoredObject> {
    if (!dryRun) return this.store.write(mutation);
    try {
      return await this.store.write((transaction) => {
        throw new DryRun(mutation(transaction));
      });
    } catch (error) {
      if (error instanceof DryRun) return error.object;
      throw error;
    }
  }

  private checkPreconditions(
    current: StoredObject,
    { uid, resourceVersion }: NonNullable<DeleteOptions['preconditions']>,
  ): void {
    const { name, uid: actual, resourceVersion: version } = current.metadata;
    const { plural, group } = this.resource;
    if (uid !== undefined && uid !== actual) {
      throw StatusError.conflict(
        plural,
        group,
        name,
        `the UID in the precondition (${uid}) does not match the UID in record (${actual ?? ''}). The object might have been deleted and then recreated`,
      );
    }
    if (resourceVersion !== undefined && resourceVersion !== version) {
      throw StatusError.conflict(
        plural,
        group,
        name,
        `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${version ?? ''})`,
      );
    }
  }

  private ref(namespace: string, name: string): Ref {
    return { resource: this.name, namespace: this.resource.namespaced ? namespace : '', name };
  }

  private fail(name: string): never {
    throw StatusError.notFound(this.resource.plural, this.resource.group, name);
  }
}

function asSeen({ type, object, previous }: StoreEvent, selector: Selector): ResourceEvent | undefined {
  const was = previous !== undefined && selector(previous);
  if (type !== 'DELETED' && selector(object)) return { type: was ? 'MODIFIED' : 'ADDED', object };
  if (!was) return undefined;
  const { resourceVersion } = object.metadata;
  const metadata = { ...previous.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
  return { type: 'DELETED', object: { ...previous, metadata } };
}

function requireNamespace(transaction: Transaction, name: string): void {
  const namespace = transaction.get({ resource: 'namespaces', namespace: '', name });
  if (!namespace) throw StatusError.notFound('namespaces', '', name);
  if (namespace.metadata.deletionTimestamp !== undefined) {
    const message = `unable to create new content in namespace ${name} because it is being terminated`;
    throw new StatusError(403, 'Forbidden', message, { name, kind: 'namespaces' });
  }
}
