import { Logger } from '@nestjs/common';
import { type AgentClient } from '@fsb/agent-api/agent-client';
import { type ApiError, isApiError, messageOf } from '@fsb/api/errors';
import { API_VERSION, type Sandbox } from '@fsb/api/sandbox';
import { type EventRecorder } from '@fsb/controller-runtime/event-recorder';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { WorkQueue } from '@fsb/controller-runtime/work-queue';
import { type AgentDirectory } from '@fsb/placement/agent-directory';
import { type Placement } from '@fsb/placement/placement';
import { runningStatus, sandboxObject } from '@fsb/placement/sandbox-object';
import { sandboxIdOf } from '../world/sandbox-identity';
import { type PendingSandbox, type PendingSandboxes } from './pending-sandboxes';

export interface RecordParts {
  readonly client: KubeClient;
  readonly agents: AgentClient;
  readonly directory: AgentDirectory;
  readonly events: EventRecorder;
  readonly pending: PendingSandboxes;
}

/** Enough to keep a hundred creates a second company at ten milliseconds a write. */
const WRITERS = 16;
/** Beyond, and with the API server away, the sandboxes wait on their agents for the sandbox-controller to adopt them. */
const MAX_OWED = 10_000;
const WRITE_MS = 5_000;
const BACK_OFF = { baseDelayMs: 50, maxDelayMs: 5_000 };

/** Writes the object of each sandbox behind the caller's answer, and tells the agent of it. */
export class SandboxRecorder {
  private readonly logger = new Logger(SandboxRecorder.name);
  private readonly queue = new WorkQueue(BACK_OFF);
  private workers: Promise<void>[] = [];
  private working = 0;

  constructor(private readonly parts: RecordParts) {}

  get owed(): number {
    return this.queue.depth + this.working;
  }

  start(): void {
    this.workers = Array.from({ length: WRITERS }, () => this.work());
  }

  /** Takes over a pending sandbox that runs. Never throws. */
  record(pending: PendingSandbox): void {
    if (this.parts.pending.size > MAX_OWED) {
      this.logger.warn({ msg: 'too many objects are owed, left to adoption', sandbox: pending.sandboxId });
      this.parts.pending.end(pending);
      return;
    }
    pending.owedSince = Date.now();
    this.queue.add(`${pending.namespace}/${pending.name}`);
  }

  /** What cannot be written now is adopted by the sandbox-controller. */
  async stop(): Promise<void> {
    this.queue.close();
    await Promise.all(this.workers);
  }

  private async work(): Promise<void> {
    for (let key = await this.queue.get(); key !== undefined; key = await this.queue.get()) {
      this.working++;
      const pending = this.parts.pending.get(key);
      if (pending) await this.tryRecord(key, pending);
      this.working--;
      this.queue.done(key);
    }
  }

  private async tryRecord(key: string, pending: PendingSandbox): Promise<void> {
    try {
      const object = await this.write(pending);
      this.queue.forget(key);
      this.parts.pending.end(pending, object);
    } catch (error) {
      this.logger.debug({ msg: 'object not written yet', sandbox: key, error: messageOf(error) });
      this.queue.addRateLimited(key);
    }
  }

  /** @returns the object, or undefined where there is none. @throws what may pass */
  private async write(pending: PendingSandbox): Promise<Sandbox | undefined> {
    const { placement } = pending;
    if (!placement) return undefined;
    if (pending.cancelled) {
      await this.parts.agents.delete(placement.agent.address, pending.sandboxId);
      return undefined;
    }
    const object = await this.create(pending, placement);
    if (!object) return undefined;
    const { name = '', namespace = '', uid = '' } = object.metadata;
    if (pending.cancelled) {
      await this.parts.client.delete(SANDBOX_KIND, { namespace, name }, { uid }).catch(ignore('not_found', 'aborted'));
      return undefined;
    }
    await this.writeStatus(object, pending, placement);
    await this.bind(pending, placement, uid);
    return object;
  }

  private async create(pending: PendingSandbox, placement: Placement): Promise<Sandbox | undefined> {
    const { name, namespace, template } = pending;
    const wanted = sandboxObject({ name, namespace, template, agent: placement.agent, createdAt: placement.createdAt });
    try {
      return await this.parts.client.create(SANDBOX_KIND, wanted, { deadlineMs: WRITE_MS });
    } catch (error) {
      if (isApiError(error, 'already_exists')) return this.takeExisting(pending, placement);
      if (!isRefusal(error)) throw error;
      await this.giveUp(pending, placement, { reason: 'ObjectRefused', message: messageOf(error) });
      return undefined;
    }
  }

  /** Written by an earlier try whose answer was lost, or by an adopter: ours. Else the name is another's. */
  private async takeExisting(pending: PendingSandbox, placement: Placement): Promise<Sandbox | undefined> {
    const { name, namespace, sandboxId } = pending;
    const existing = await this.parts.client.get(SANDBOX_KIND, { namespace, name }, { deadlineMs: WRITE_MS });
    const isOurs = sandboxIdOf(existing) === sandboxId || sandboxIdOf({ ...existing, status: {} }) === sandboxId;
    if (isOurs) return existing;
    const message = `another sandbox, ${sandboxIdOf(existing)}, has this name`;
    await this.giveUp(pending, placement, { reason: 'DuplicateName', message }, existing.metadata.uid);
    return undefined;
  }

  private async giveUp(
    { name, namespace, sandboxId }: PendingSandbox,
    { agent }: Placement,
    { reason, message }: { reason: string; message: string },
    uid?: string,
  ): Promise<void> {
    await this.parts.agents.delete(agent.address, sandboxId);
    const about = { apiVersion: API_VERSION, kind: 'Sandbox', metadata: { name, namespace, ...(uid ? { uid } : {}) } };
    const what = `container ${sandboxId} on agent ${agent.name} is ended: ${message}`;
    this.parts.events.record(about, 'Warning', reason, what);
    this.logger.warn({ msg: 'sandbox ended', sandbox: sandboxId, reason, error: message });
  }

  private async writeStatus(object: Sandbox, pending: PendingSandbox, { agent, createdAt }: Placement): Promise<void> {
    if (object.status?.phase !== undefined && object.status.phase !== 'Pending') return; // the controller was faster
    const { sandboxId, template } = pending;
    const reported = this.parts.directory.report(agent.id, sandboxId);
    const sandbox = reported ?? { sandboxId, phase: 'running' as const, createdAt };
    const status = runningStatus({ agent, sandbox, ports: template.spec.exposedPorts ?? [] });
    // with the version that was read: a controller's later word stays
    await this.parts.client
      .updateStatus(SANDBOX_KIND, { ...object, status }, { deadlineMs: WRITE_MS })
      .catch(ignore('aborted', 'not_found'));
  }

  private async bind({ sandboxId }: PendingSandbox, { agent }: Placement, claimUid: string): Promise<void> {
    if (this.parts.directory.agent(agent.id)?.podUid !== agent.podUid) return; // gone, its sandboxes with it
    await this.parts.agents.bind(agent.address, { sandboxId, claimUid });
  }
}

/** The API server will never take it: schema, webhook, quota, or a namespace that is gone. */
function isRefusal(error: unknown): boolean {
  const codes = ['invalid_argument', 'permission_denied', 'failed_precondition', 'not_found'] as const;
  return codes.some((code) => isApiError(error, code));
}

function ignore(...codes: ApiError['code'][]): (error: unknown) => void {
  return (error) => {
    if (!codes.some((code) => isApiError(error, code))) throw error;
  };
}
