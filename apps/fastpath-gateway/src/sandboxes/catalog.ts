import { timingsOf } from '../create/timings';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { ApiError } from '@fsb/api/errors';
import { TIMINGS_ANNOTATION } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';
import { knownSandboxId } from '@fsb/api/sandbox-id';
import { type Informer } from '@fsb/controller-runtime/informer';
import { type AgentDirectory, type AgentView, type ReportedSandbox } from '@fsb/placement/agent-directory';
import { namespaceOf } from '@fsb/placement/agent-reports';
import { templateOf } from '@fsb/placement/sandbox-object';
import { type Identity } from '../audit/call-event';
import { type SandboxInfo } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type KnownName } from '../create/earlier-request';
import { type PendingRecords } from './pending-records';
import { viewOfObject, viewOfRecord, viewOfReport, withEnd } from './sandbox-view';

export interface CatalogSources {
  readonly sandboxes: Informer<Sandbox>;
  readonly directory: AgentDirectory;
  readonly records: PendingRecords;
  /** whether the caches have synced and the agents have reported */
  readonly isFilled: () => boolean;
}

/** Every sandbox that this replica knows: objects, pending records, and reports of containers without either. */
export class Catalog {
  constructor(private readonly sources: CatalogSources) {}

  object(key: string): Sandbox | undefined {
    return this.sources.sandboxes.get(key);
  }

  /**
   * uid and id of the sandbox that has a name, for the audit log; as far as known, also before the caches are filled.
   */
  identity(namespace: string, name: string): Identity {
    const key = `${namespace}/${name}`;
    const object = this.object(key);
    if (object) return { uid: object.metadata.uid, sandboxId: knownSandboxId(object) };
    const record = this.sources.records.get(key);
    return { sandboxId: record?.sandboxId ?? this.unbound(namespace, name)[0]?.sandbox.sandboxId };
  }

  /** Unbound containers that claim the name. */
  unbound(namespace: string, name: string): ReportedSandbox[] {
    return this.sources.directory.findByName(namespace, name).filter(({ sandbox }) => sandbox.claimUid === '');
  }

  /** All that is known of a name, by source. @throws ApiError unavailable, as in {@link find} */
  known(namespace: string, name: string): KnownName {
    this.requireFilled();
    const key = `${namespace}/${name}`;
    const { records, directory } = this.sources;
    return {
      object: this.object(key),
      record: records.get(key),
      reports: this.unbound(namespace, name).map(({ sandbox }) => sandbox),
      isReserved: directory.registry.find(namespace, name) !== undefined,
    };
  }

  /** Whether the name is taken, or may be: a reservation whose agent has not answered counts. */
  isKnown(namespace: string, name: string): boolean {
    this.requireFilled();
    const key = `${namespace}/${name}`;
    const { records, directory } = this.sources;
    return (
      this.object(key) !== undefined ||
      records.get(key) !== undefined ||
      directory.registry.find(namespace, name) !== undefined ||
      directory.findByName(namespace, name).length > 0
    );
  }

  /** Releases the reservation of a create whose agent has not answered, so that the name is free here at once. */
  forgetReservation(namespace: string, name: string): void {
    const { registry } = this.sources.directory;
    const reserved = registry.find(namespace, name);
    if (reserved) registry.release(reserved.agentId, reserved.sandbox.sandboxId);
  }

  /**
   * The sandbox that has a name, from the best source: an object with a status, the pending record, an agent's report,
   * the object without a status.
   * @param sandboxId which of several containers is meant while there is no object
   * @throws ApiError unavailable, before the caches are filled: "not found" would be a guess
   */
  find(namespace: string, name: string, sandboxId = ''): SandboxInfo | undefined {
    this.requireFilled();
    const key = `${namespace}/${name}`;
    const object = this.object(key);
    const record = this.sources.records.get(key);
    if (object?.status?.phase !== undefined) return withEnd(viewOfObject(object), this.reportOn(object));
    // record and report know more than an object without a status
    if (record) return viewOfRecord(record, this.report(record.agent, record.sandboxId));
    const reports = this.sources.directory.findByName(namespace, name);
    const reported =
      reports.find(({ sandbox }) => (object ? isAbout(object, sandbox) : sandbox.sandboxId === sandboxId)) ??
      (object ? undefined : reports.find(({ sandbox }) => sandbox.claimUid === ''));
    if (reported) return viewOfReport(reported, templateOf(reported.sandbox.object));
    return object && viewOfObject(object);
  }

  /**
   * Stages of the sandbox's create as JSON `[{name, ms}]`; undefined after a STRONG create or when they are unknown.
   */
  timings(namespace: string, name: string): string | undefined {
    const key = `${namespace}/${name}`;
    const pending = this.sources.records.get(key);
    return this.object(key)?.metadata.annotations?.[TIMINGS_ANNOTATION] ?? (pending && timingsOf(pending.stages));
  }

  /** The agent that has a sandbox's container and log; undefined when it is gone or there is none yet. */
  agentOf({ namespace, agentPod }: Pick<SandboxInfo, 'namespace' | 'agentPod'>): AgentView | undefined {
    return this.sources.directory.agent(`${namespace}/${agentPod}`);
  }

  /** Agents in sync that may have the log of a removed container: those of its pool, its own agent first. */
  agentsOf({ namespace, poolRef, agentPod }: SandboxInfo): AgentView[] {
    const all = this.sources.directory.agentsOf(namespace, poolRef).filter(({ inSync }) => inSync);
    return [...all.filter(({ name }) => name === agentPod), ...all.filter(({ name }) => name !== agentPod)];
  }

  /**
   * Keys `namespace/name` of all sandboxes, sorted: the first `limit` after the key `after`. Objects are read from that
   * key on; sandboxes without an object are few, and all of them are read.
   * @param namespace empty: all
   * @throws ApiError unavailable, before the caches are filled
   */
  keys(namespace: string, after: string, limit: number): string[] {
    this.requireFilled();
    const first = namespace === '' ? '' : `${namespace}/`;
    const keys = this.withoutObject(first, after);
    let taken = 0;
    for (const key of this.sources.sandboxes.keysAfter(after > first ? after : first)) {
      if (!key.startsWith(first) || taken++ === limit) break;
      keys.add(key);
    }
    return [...keys].sort().slice(0, limit);
  }

  /**
   * Namespaces that have a sandbox. Each is found by a skip over the objects of the one before.
   * @throws ApiError unavailable, before the caches are filled
   */
  namespaces(): string[] {
    this.requireFilled();
    const found = new Set([...this.withoutObject('', '')].map(namespaceIn));
    for (let key = this.firstAfter(''); key !== undefined; key = this.firstAfter(`${namespaceIn(key)}0`)) {
      found.add(namespaceIn(key)); // in ASCII, 0 follows the slash
    }
    return [...found];
  }

  /** Whether all agents of the namespace are in sync: a name unknown here then has no container. */
  isComplete(namespace: string): boolean {
    return this.sources.directory.isInSync(namespace);
  }

  private firstAfter(key: string): string | undefined {
    for (const next of this.sources.sandboxes.keysAfter(key)) return next;
    return undefined;
  }

  private withoutObject(first: string, after: string): Set<string> {
    const { records, directory } = this.sources;
    const keys = new Set<string>();
    const add = (itsNamespace: string, name: string): void => {
      const key = `${itsNamespace}/${name}`;
      if (name !== '' && key.startsWith(first) && key > after) keys.add(key);
    };
    for (const { order } of records.list()) add(order.namespace, order.name);
    for (const { agent, sandbox } of directory.unbound()) {
      add(namespaceOf(agent.id), sandbox.claimName ?? '');
    }
    return keys;
  }

  private requireFilled(): void {
    if (this.sources.isFilled()) return;
    throw new ApiError('unavailable', 'the gateway is still filling its caches; try again', { retryDelayMs: 500 });
  }

  private reportOn({ metadata, status }: Sandbox): AgentSandboxStatus | undefined {
    const agentId = `${metadata.namespace ?? ''}/${status?.assignedPod ?? ''}`;
    return this.sources.directory.report(agentId, status?.sandboxID ?? '');
  }

  private report(agent: AgentView, sandboxId: string): AgentSandboxStatus | undefined {
    return this.sources.directory.report(agent.id, sandboxId);
  }
}

function namespaceIn(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

/**
 * Whether a report is about an object that has no status yet: its writer writes object and status one after the other.
 */
function isAbout(object: Sandbox, { claimUid, sandboxId }: AgentSandboxStatus): boolean {
  return claimUid === object.metadata.uid || (claimUid === '' && sandboxId === knownSandboxId(object));
}
