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
import { type Known } from '../create/earlier-answer';
import { type PendingRecords } from './pending-records';
import { viewOfObject, viewOfRecord, viewOfReport, withEnd } from './sandbox-view';

export interface CatalogSources {
  readonly sandboxes: Informer<Sandbox>;
  readonly directory: AgentDirectory;
  readonly records: PendingRecords;
  /** the caches have been filled once, and the agents have told what they have */
  readonly isFilled: () => boolean;
}

/** Every sandbox that this replica knows: objects, creates whose object is yet to come, and what agents report besides. */
export class Catalog {
  constructor(private readonly sources: CatalogSources) {}

  object(key: string): Sandbox | undefined {
    return this.sources.sandboxes.get(key);
  }

  /** Which sandbox has a name, for the audit log: as far as it is known, also before the caches are filled. */
  identity(namespace: string, name: string): Identity {
    const key = `${namespace}/${name}`;
    const object = this.object(key);
    if (object) return { uid: object.metadata.uid, sandboxId: knownSandboxId(object) };
    const record = this.sources.records.get(key);
    return { sandboxId: record?.sandboxId ?? this.unbound(namespace, name)[0]?.sandbox.sandboxId };
  }

  /** Containers of that name that nobody has told of an object. */
  unbound(namespace: string, name: string): ReportedSandbox[] {
    return this.sources.directory.findByName(namespace, name).filter(({ sandbox }) => sandbox.claimUid === '');
  }

  /** What there is of a name, by where it is known from. @throws ApiError unavailable, as in find */
  known(namespace: string, name: string): Known {
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

  /** Whether anybody has the name, or may have: a reservation whose agent has not answered counts. */
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

  /** What agents were asked for under that name, and have not answered, is ended: the name is free here at once. */
  forgetReservation(namespace: string, name: string): void {
    const { registry } = this.sources.directory;
    const reserved = registry.find(namespace, name);
    if (reserved) registry.release(reserved.agentId, reserved.sandbox.sandboxId);
  }

  /**
   * @param sandboxId which of several containers is meant, where there is no object yet
   * @throws ApiError unavailable before the caches are filled: "not found" would be a guess
   */
  find(namespace: string, name: string, sandboxId = ''): SandboxInfo | undefined {
    this.requireFilled();
    const key = `${namespace}/${name}`;
    const object = this.object(key);
    const record = this.sources.records.get(key);
    if (object?.status?.phase !== undefined) return withEnd(viewOfObject(object), this.reportOn(object));
    // an object without a status says nothing yet that the record, or the agent, does not know better
    if (record) return viewOfRecord(record, this.report(record.agent, record.sandboxId));
    const reports = this.sources.directory.findByName(namespace, name);
    const reported =
      reports.find(({ sandbox }) => (object ? isAbout(object, sandbox) : sandbox.sandboxId === sandboxId)) ??
      (object ? undefined : reports.find(({ sandbox }) => sandbox.claimUid === ''));
    if (reported) return viewOfReport(reported, templateOf(reported.sandbox.object));
    return object && viewOfObject(object);
  }

  /** JSON of the stages of its create, where that was FAST and is known. */
  timings(namespace: string, name: string): string | undefined {
    const key = `${namespace}/${name}`;
    const pending = this.sources.records.get(key);
    return this.object(key)?.metadata.annotations?.[TIMINGS_ANNOTATION] ?? (pending && timingsOf(pending.stages));
  }

  /** The agent that has a sandbox's container and log, where there is one. */
  agentOf({ namespace, agentPod }: Pick<SandboxInfo, 'namespace' | 'agentPod'>): AgentView | undefined {
    return this.sources.directory.agent(`${namespace}/${agentPod}`);
  }

  /** Agents that may have the log of a container that was removed: those of its pool, the one it was placed on first. */
  agentsOf({ namespace, poolRef, agentPod }: SandboxInfo): AgentView[] {
    const all = this.sources.directory.agentsOf(namespace, poolRef).filter(({ inSync }) => inSync);
    return [...all.filter(({ name }) => name === agentPod), ...all.filter(({ name }) => name !== agentPod)];
  }

  /**
   * `namespace/name` of everything, sorted: the first `limit` after a key. What has no object yet is little, and looked
   * through each time; the objects are read from that key on.
   * @param namespace empty: all
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

  /** That have a sandbox; each is found by leaping over the objects of the one before. @throws ApiError unavailable */
  namespaces(): string[] {
    this.requireFilled();
    const found = new Set([...this.withoutObject('', '')].map(namespaceIn));
    for (let key = this.firstAfter(''); key !== undefined; key = this.firstAfter(`${namespaceIn(key)}0`)) {
      found.add(namespaceIn(key)); // in ASCII, 0 comes behind the slash
    }
    return [...found];
  }

  /** Whether a name that is not known here can be somewhere else all the same. */
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
    throw new ApiError('unavailable', 'the gateway is still reading what there is; try again', { retryDelayMs: 500 });
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

/** Of an object that has no status yet, since whoever made its container writes object and status one after the other. */
function isAbout(object: Sandbox, { claimUid, sandboxId }: AgentSandboxStatus): boolean {
  return claimUid === object.metadata.uid || (claimUid === '' && sandboxId === knownSandboxId(object));
}
