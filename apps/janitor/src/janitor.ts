import { type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { ContainerLabels, installationLabels } from '@fsb/api/labels';
import { labelFilter } from '@fsb/containerd/label-filter';
import { messageOf } from '@fsb/api/errors';
import { type Reconciler, type Result, TerminalError } from '@fsb/controller-runtime/reconciler';
import { type WorkQueue } from '@fsb/controller-runtime/work-queue';
import { type NodeOrphanSweep } from './orphans/node-orphan-sweep';
import { type ClusterEvidence } from './sweep/cluster-evidence';
import { type ContainerSweep } from './sweep/container-sweep';

export interface JanitorParts {
  readonly runtime: SandboxRuntime;
  readonly evidence: ClusterEvidence;
  readonly containers: ContainerSweep;
  readonly leftovers: NodeOrphanSweep;
  readonly queue: () => Pick<WorkQueue, 'add'>;
  readonly scanIntervalMs: number;
}

/** Keys, and prefixes of keys, of the janitor's queue. */
export const SWEEP = 'sweep';
const LEFTOVERS = 'leftovers';
const AGENT = 'agent/';
const CONTAINER = 'container/';
/** Failed checks of a container before it is left to the next sweep. */
const MAX_ATTEMPTS = 5;

/** Queue key that checks the containers of an agent Pod that is gone. */
export function agentGone(uid: string): string {
  return `${AGENT}${uid}`;
}

/**
 * Reconciles sweeps and containers. A sweep enqueues one key for each container, so that one whose removal hangs delays
 * no other.
 */
export class Janitor implements Reconciler {
  private readonly attempts = new Map<string, number>();

  constructor(private readonly parts: JanitorParts) {}

  async reconcile(key: string): Promise<Result> {
    if (key === SWEEP) return this.sweep();
    if (key === LEFTOVERS) return after(await this.parts.leftovers.run());
    if (key.startsWith(AGENT)) return this.agent(key.slice(AGENT.length));
    return this.container(key);
  }

  private async sweep(): Promise<Result> {
    await this.addContainers(() => true);
    this.parts.queue().add(LEFTOVERS);
    // jitter: the nodes of a cluster must not sweep at the same time
    return { requeueAfterMs: this.parts.scanIntervalMs * (0.9 + Math.random() * 0.1) };
  }

  private async agent(uid: string): Promise<Result> {
    await this.addContainers((labels) => labels[ContainerLabels.agentUid] === uid);
    this.parts.queue().add(LEFTOVERS);
    return {};
  }

  private async addContainers(wanted: (labels: Readonly<Record<string, string>>) => boolean): Promise<void> {
    const { runtime, evidence, queue } = this.parts;
    const containers = await runtime.list(labelFilter(installationLabels(await evidence.installation())));
    for (const { id, labels } of containers) if (wanted(labels)) queue().add(`${CONTAINER}${id}`);
  }

  private async container(key: string): Promise<Result> {
    try {
      const again = await this.parts.containers.check(key.slice(CONTAINER.length));
      this.attempts.delete(key);
      return after(again);
    } catch (error) {
      const attempts = (this.attempts.get(key) ?? 0) + 1;
      this.attempts.set(key, attempts);
      if (attempts < MAX_ATTEMPTS) throw error;
      this.attempts.delete(key);
      throw new TerminalError(`tried ${attempts} times: ${messageOf(error)}`, { cause: error });
    }
  }
}

function after(ms: number | undefined): Result {
  return ms === undefined ? {} : { requeueAfterMs: Math.max(1, ms) };
}
