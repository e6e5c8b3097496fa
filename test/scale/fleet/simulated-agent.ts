import { type ServerResponse } from 'node:http';
import {
  type AgentEvent,
  type AgentSandboxStatus,
  type AgentStatus,
  type BindSandboxRequest,
  type CreateSandboxRequest,
  type CreateSandboxResponse,
  type FreeCapacity,
} from '@fsb/agent-api/agent-api';
import { normaliseImage } from '@fsb/api/image-name';

export interface AgentIdentity {
  readonly name: string;
  readonly uid: string;
  readonly nodeName: string;
  readonly capacity: number;
}

const IMAGES = [normaliseImage('busybox')];
const HEARTBEAT_MS = 2_000;
/** Milliseconds from a delete to the end of a container that obeys SIGTERM. */
const END_MS = 20;

/** An agent's HTTP behaviour without containers: admits, reports and removes sandboxes as a node-agent does. */
export class SimulatedAgent {
  private readonly sandboxes = new Map<string, AgentSandboxStatus>();
  private readonly watchers = new Set<ServerResponse>();
  private readonly heartbeat: NodeJS.Timeout;
  private draining = false;
  private hasSent = false;
  unbound = 0;

  constructor(private readonly identity: AgentIdentity) {
    this.heartbeat = setInterval(() => {
      if (!this.hasSent) this.send({ type: 'heartbeat' });
      this.hasSent = false;
    }, HEARTBEAT_MS);
  }

  get size(): number {
    return this.sandboxes.size;
  }

  create({ sandbox }: CreateSandboxRequest): { code: number; body: CreateSandboxResponse } {
    const { sandboxId, claimUid, claimName, image, namespace, ports, generation, object } = sandbox;
    const known = this.sandboxes.get(sandboxId);
    if (known) return { code: 200, body: { success: true, sandboxId, createdAt: known.createdAt } };
    if (this.draining || this.sandboxes.size >= this.identity.capacity) {
      const code = this.draining ? 'draining' : 'slots_full';
      return { code: 409, body: { success: false, sandboxId, createdAt: 0, code, message: code, free: this.free() } };
    }
    const createdAt = Math.floor(Date.now() / 1000);
    this.set({
      ...{ sandboxId, claimUid, claimName, phase: 'running', createdAt, image: normaliseImage(image) },
      ...(namespace === undefined ? {} : { namespace }),
      ...(ports === undefined ? {} : { ports }),
      ...(generation === undefined ? {} : { generation }),
      ...(object === undefined || claimUid !== '' ? {} : { object }),
    });
    return { code: 200, body: { success: true, sandboxId, createdAt, stages: [{ name: 'start', ms: 0 }] } };
  }

  bind({ sandboxId, claimUid }: BindSandboxRequest): void {
    const sandbox = this.sandboxes.get(sandboxId);
    if (!sandbox) return;
    const bound = { ...sandbox, claimUid };
    delete bound.object; // needed only while there is no object
    this.set(bound);
  }

  delete(sandboxId: string): void {
    const sandbox = this.sandboxes.get(sandboxId);
    if (!sandbox || sandbox.phase === 'terminating') return;
    this.set({ ...sandbox, phase: 'terminating' });
    setTimeout(() => {
      const last = this.sandboxes.get(sandboxId);
      if (last?.claimUid === '') this.unbound--;
      this.sandboxes.delete(sandboxId);
      this.send({ type: 'removed', sandboxId, allocated: this.size, free: this.free() });
    }, END_MS).unref();
  }

  drain(draining: boolean): void {
    this.draining = draining;
    this.send({ type: 'draining', draining });
  }

  status(): AgentStatus {
    const { name, uid, nodeName, capacity } = this.identity;
    return {
      ...{ agentId: name, agentUid: uid, nodeName, capacity, images: IMAGES, draining: this.draining },
      ...{ allocated: this.size, free: this.free(), sandboxStatuses: [...this.sandboxes.values()] },
    };
  }

  watch(response: ServerResponse): void {
    this.watchers.add(response);
    response.on('close', () => this.watchers.delete(response));
    response.write(line({ type: 'snapshot', status: this.status() }));
  }

  stop(): void {
    clearInterval(this.heartbeat);
    for (const watcher of this.watchers) watcher.destroy();
  }

  private set(sandbox: AgentSandboxStatus): void {
    if (this.sandboxes.get(sandbox.sandboxId)?.claimUid === '') this.unbound--;
    if (sandbox.claimUid === '') this.unbound++;
    this.sandboxes.set(sandbox.sandboxId, sandbox);
    this.send({ type: 'sandbox', sandbox, allocated: this.size, free: this.free() });
  }

  private free(): FreeCapacity {
    return { slots: Math.max(0, this.identity.capacity - this.size), usedPorts: [] };
  }

  private send(event: AgentEvent): void {
    this.hasSent = true;
    for (const watcher of this.watchers) watcher.write(line(event));
  }
}

function line(event: AgentEvent): string {
  return `${JSON.stringify(event)}\n`;
}
