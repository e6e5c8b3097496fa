import { isApiError } from '@fsb/api/errors';
import { type Sandbox } from '@fsb/api/sandbox';
import { type Informer } from '@fsb/controller-runtime/informer';
import { SANDBOX_KIND, splitKey } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Reconciler, type Result } from '@fsb/controller-runtime/reconciler';
import { templateOf } from '@fsb/placement/sandbox-object';
import { type CreateCalls } from './apply/create-calls';
import { type OrphanActions } from './apply/orphan-actions';
import { type SandboxActions } from './apply/sandbox-actions';
import { planOrphans } from './plan/orphan-plan';
import { planSandbox } from './plan/sandbox-plan';
import { type PlacementMemory } from './world/placement-memory';
import { type WorldReader } from './world/world-reader';

export interface ReconcilerParts {
  readonly client: KubeClient;
  readonly sandboxes: Informer<Sandbox>;
  readonly reader: WorldReader;
  readonly actions: SandboxActions;
  readonly orphans: OrphanActions;
  readonly calls: CreateCalls;
  readonly memory: PlacementMemory;
  readonly orphanTimeoutMs: number;
}

/** Reads, plans, acts. The cache may be behind our own writes, so nothing is done on its word alone. */
export class SandboxReconciler implements Reconciler {
  constructor(private readonly parts: ReconcilerParts) {}

  async reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const cached = this.parts.sandboxes.get(key);
    if (cached && isSettled(cached)) {
      const { actions, requeueAfterMs } = planSandbox(cached, await this.parts.reader.read(cached, signal));
      if (actions.length === 0) return after(requeueAfterMs);
    }
    const object = await this.get(key, signal);
    return object ? this.act(key, object, signal) : this.mindOrphans(key, signal);
  }

  private async act(key: string, object: Sandbox, signal: AbortSignal): Promise<Result> {
    const { reader, actions, memory } = this.parts;
    const plan = planSandbox(object, await reader.read(object, signal));
    await actions.apply(object, plan.actions, signal);
    const pause = memory.notBefore(key) - Date.now();
    const pauses = [plan.requeueAfterMs, pause > 0 ? pause : undefined].filter((ms) => ms !== undefined);
    return after(pauses.length > 0 ? Math.min(...pauses) : undefined);
  }

  private async mindOrphans(key: string, signal: AbortSignal): Promise<Result> {
    const { reader, orphans, calls, memory, orphanTimeoutMs } = this.parts;
    calls.forget(key);
    memory.drop(key);
    const { namespace, name } = splitKey(key);
    const isAdoptable = ({ object }: { object?: Readonly<Record<string, unknown>> }): boolean =>
      templateOf(object) !== undefined;
    const plan = planOrphans(reader.claimants(namespace, name), isAdoptable, { now: Date.now(), orphanTimeoutMs });
    for (const action of plan.actions) await orphans.apply(key, action, signal);
    return after(plan.requeueAfterMs);
  }

  private async get(key: string, signal: AbortSignal): Promise<Sandbox | undefined> {
    try {
      return await this.parts.client.get(SANDBOX_KIND, splitKey(key), { signal });
    } catch (error) {
      if (isApiError(error, 'not_found')) return undefined;
      throw error;
    }
  }
}

/** Phases in which mostly there is nothing to do: the cache spares the API server a question. */
function isSettled({ status, metadata }: Sandbox): boolean {
  const settled = status?.phase !== undefined && status.phase !== 'Pending' && status.phase !== 'Bound';
  return settled && metadata.deletionTimestamp === undefined;
}

function after(requeueAfterMs: number | undefined): Result {
  return requeueAfterMs === undefined ? {} : { requeueAfterMs };
}
