import { isWaiting } from '../support/waiting-containers';
import { setTimeout as sleep } from 'node:timers/promises';
import { ContainerLabels } from '@fsb/api/labels';
import { messageOf } from '@fsb/api/errors';
import { z } from 'zod';
import { capacity } from '../support/differences';
import { agentPods, type Readers, report } from '../support/world';

const EVERY_MS = 400;
const claim = z.object({ ports: z.array(z.number()) });

/** Checks promise I3 during the run: samples agents and containerd, and records every violation. */
export class CapacitySampler {
  readonly violations = new Set<string>();
  private samples = 0;
  private before = new Map<string, ReadonlySet<string>>();

  constructor(
    private readonly readers: Readers,
    private readonly slots: number,
  ) {}

  get count(): number {
    return this.samples;
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      // agents do not answer while they are killed: no sample then
      await this.agents().catch(() => undefined);
      await this.containers().catch((error: unknown) => messageOf(error));
      await sleep(EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  private async agents(): Promise<void> {
    for (const pod of await agentPods(this.readers.client)) {
      const { pod: name, status } = await report(this.readers.agents, pod);
      if (!status) continue;
      this.samples++;
      for (const violation of capacity(name, status)) this.violations.add(violation);
    }
  }

  /**
   * Checks the running containers of containerd. Its list is not a snapshot of one instant, so only containers in two
   * consecutive lists count: those ran the whole time between.
   */
  private async containers(): Promise<void> {
    const all = await this.readers.runtime.list('');
    const running = all.filter((container) => container.task?.status === 'running' && !isWaiting(container));
    const now = new Map<string, Set<string>>();
    const ports = new Map<string, string[]>();
    for (const { id, labels, claim: record } of running) {
      const agent = labels[ContainerLabels.agentUid] ?? '';
      now.set(agent, (now.get(agent) ?? new Set()).add(id));
      for (const port of claim.safeParse(record).data?.ports ?? []) {
        const key = `${agent}:${port}`;
        ports.set(key, [...(ports.get(key) ?? []), id]);
      }
    }
    const stayed = (agent: string, ids: Iterable<string>): string[] =>
      [...ids].filter((id) => this.before.get(agent)?.has(id));
    for (const [agent, ids] of now) {
      const both = stayed(agent, ids).length;
      if (both > this.slots) this.violations.add(`containerd runs ${both} of agent ${agent}, which has ${this.slots}`);
    }
    for (const [key, ids] of ports) {
      const both = stayed(key.slice(0, key.lastIndexOf(':')), ids);
      if (both.length > 1) this.violations.add(`port ${key} is given to ${both.join(' and ')}`);
    }
    this.before = now;
  }
}
