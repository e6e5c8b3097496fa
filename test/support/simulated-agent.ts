import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { json } from 'node:stream/consumers';
import {
  AGENT_PATHS,
  type AgentEvent,
  type AgentSandboxStatus,
  type AgentStatus,
  type CreateSandboxRequest,
  type FreeCapacity,
} from '@fsb/agent-api/agent-api';
import { type AgentPki } from './agent-pki';

export interface AgentTraits {
  readonly name: string;
  readonly uid: string;
  readonly address: string;
  readonly port: number;
  readonly slots: number;
}

type Refusal = 'slots_full' | 'port_taken' | 'other_agent';

/**
 * An agent's HTTP API without containerd, for loads that no containerd could run: it admits creates and counts its
 * slots and ports.
 */
export class SimulatedAgent {
  readonly sandboxes = new Map<string, AgentSandboxStatus>();
  readonly asked: string[] = [];
  /** largest number of sandboxes at any time, and number of refused creates */
  readonly seen = { most: 0, refused: 0 };
  /** milliseconds from admission to answer */
  createMs = 0;
  /**
   * `original` behaves as the Go predecessor's agent: one status answer without a watch, no uid, null for empty lists.
   * `next` sends unknown fields and unknown kinds of events.
   */
  version: 'original' | 'current' | 'next' = 'current';
  private readonly watchers = new Set<ServerResponse>();

  private constructor(
    readonly traits: AgentTraits,
    private readonly server: Server,
  ) {}

  static async start(traits: AgentTraits, pki: AgentPki): Promise<SimulatedAgent> {
    const identity = await pki.agent(traits.uid);
    const server = createServer({ ...identity, requestCert: true }).listen(traits.port, traits.address);
    await once(server, 'listening');
    const agent = new SimulatedAgent(traits, server);
    server.on('request', (request, response) => {
      agent.answer(request, response).catch(() => response.destroy()); // its caller left before the body was complete
    });
    return agent;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get ports(): number[] {
    return [...this.sandboxes.values()].flatMap(({ ports = [] }) => ports);
  }

  /** Adds a sandbox to the agent's report, without a create. */
  report(sandbox: AgentSandboxStatus): void {
    this.put(sandbox);
  }

  /** Ends the watch streams. Followers reconnect and get a full snapshot. */
  cut(): void {
    for (const watcher of this.watchers) watcher.destroy();
  }

  /** Ends all sandboxes. */
  clear(): void {
    for (const sandboxId of [...this.sandboxes.keys()]) {
      this.sandboxes.delete(sandboxId);
      this.tell({ type: 'removed', sandboxId, ...this.left() });
    }
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '';
    if (url.startsWith(AGENT_PATHS.status)) {
      this.status(url, response);
      return;
    }
    const body = (await json(request)) as CreateSandboxRequest & { sandboxId?: string; claimUid?: string };
    if (url === AGENT_PATHS.create) {
      this.create(body, response);
      return;
    }
    const id = body.sandboxId ?? '';
    const sandbox = this.sandboxes.get(id);
    if (url === AGENT_PATHS.delete && this.sandboxes.delete(id))
      this.tell({ type: 'removed', sandboxId: id, ...this.left() });
    if (url === AGENT_PATHS.bind && sandbox) this.put({ ...sandbox, claimUid: body.claimUid ?? '' });
    response.end('{"success":true}');
  }

  private status(url: string, response: ServerResponse): void {
    const isOriginal = this.version === 'original';
    if (isOriginal || !url.includes('watch=true')) {
      response.end(`${JSON.stringify(isOriginal ? this.originalStatus() : this.snapshot())}\n`);
      return;
    }
    this.watchers.add(response);
    const beat = setInterval(() => response.write('{"type":"heartbeat"}\n'), 2_000);
    response.once('close', () => {
      clearInterval(beat);
      this.watchers.delete(response);
    });
    response.write(`${JSON.stringify({ type: 'snapshot', status: this.snapshot() })}\n`);
  }

  private create({ sandbox, agentUid }: CreateSandboxRequest, response: ServerResponse): void {
    const { sandboxId, claimUid, claimName, namespace, ports = [], object, image } = sandbox;
    this.asked.push(sandboxId);
    const refusal = this.sandboxes.has(sandboxId) ? undefined : this.refusal(ports, agentUid);
    if (refusal) {
      this.seen.refused++;
      const answer = { success: false, sandboxId, createdAt: 0, code: refusal, free: this.left().free };
      response.writeHead(409).end(JSON.stringify(answer));
      return;
    }
    const createdAt = Math.floor(Date.now() / 1000);
    const given = { sandboxId, claimUid, claimName, ports, image, createdAt, ...(object ? { object } : {}) };
    const status = { ...given, ...(namespace === undefined ? {} : { namespace }) };
    this.put({ ...status, phase: 'creating' });
    this.seen.most = Math.max(this.seen.most, this.sandboxes.size);
    setTimeout(() => {
      this.put({ ...status, phase: 'running' });
      const more = this.version === 'next' ? { gpu: null } : {};
      response.end(JSON.stringify({ success: true, sandboxId, createdAt, ...more }));
    }, this.createMs);
  }

  private refusal(ports: readonly number[], meant: string | undefined): Refusal | undefined {
    if (this.version !== 'original' && meant !== undefined && meant !== this.traits.uid) return 'other_agent';
    if (this.sandboxes.size >= this.traits.slots) return 'slots_full';
    const used = this.ports;
    return ports.some((port) => used.includes(port)) ? 'port_taken' : undefined;
  }

  private put(sandbox: AgentSandboxStatus): void {
    this.sandboxes.set(sandbox.sandboxId, sandbox);
    this.tell({ type: 'sandbox', sandbox, ...this.left() });
  }

  private tell(event: AgentEvent): void {
    const events =
      this.version === 'next'
        ? [
            { type: 'weather', sky: 'clear' },
            { ...event, gpus: 0 },
          ]
        : [event];
    for (const watcher of this.watchers) for (const each of events) watcher.write(`${JSON.stringify(each)}\n`);
  }

  private left(): { allocated: number; free: FreeCapacity } {
    const allocated = this.sandboxes.size;
    return { allocated, free: { slots: this.traits.slots - allocated, usedPorts: this.ports } };
  }

  private snapshot(): AgentStatus {
    const { name, uid, slots } = this.traits;
    const sandboxStatuses = [...this.sandboxes.values()];
    const own = { agentId: name, agentUid: uid, nodeName: 'node', capacity: slots, images: [] };
    const more = this.version === 'next' ? { gpus: 0, features: { sleep: true } } : {};
    return { ...own, ...more, ...this.left(), sandboxStatuses };
  }

  /** Status of a Go predecessor's agent, as in the contract; `gpus` is an unknown field. */
  private originalStatus(): object {
    const { name, slots } = this.traits;
    const statuses = [...this.sandboxes.values()].map(({ sandboxId, claimUid, phase, createdAt }) => {
      return { sandboxId, claimUid, phase, message: '', createdAt };
    });
    const own = { agentId: name, nodeName: 'node', capacity: slots, allocated: statuses.length, images: null, gpus: 0 };
    return { ...own, sandboxStatuses: statuses.length > 0 ? statuses : null };
  }
}
