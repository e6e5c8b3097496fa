import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { isApiError } from '@fsb/api/errors';
import { type Sandbox } from '@fsb/api/sandbox';
import { type Informer } from '@fsb/controller-runtime/informer';
import { SANDBOX_KIND, splitKey } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type Reconciler, type Result } from '@fsb/controller-runtime/reconciler';
import { type TemplateVerifier } from '@fsb/placement/vouched-template';
import { adoptableTemplate } from './apply/adoptable-template';
import { type CreateCalls } from './apply/create-calls';
import { type OrphanActions } from './apply/orphan-actions';
import { type SandboxActions } from './apply/sandbox-actions';
import { type Plan } from './plan/action';
import { type OrphanPlan, planOrphans } from './plan/orphan-plan';
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
  readonly verifier: TemplateVerifier;
  readonly orphanTimeoutMs: number;
  readonly actingSince: () => number;
}

/** Reads, plans, acts. The cache may be stale: a plan from it that has actions is made again from a live read. */
export class SandboxReconciler implements Reconciler {
  constructor(private readonly parts: ReconcilerParts) {}

  async reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const cached = this.parts.sandboxes.get(key);
    const preview = cached ? await this.planCached(cached, signal) : this.orphanPlan(key);
    if (preview?.actions.length === 0) return after(preview.requeueAfterMs);
    const object = await this.get(key, signal);
    return object ? this.act(key, object, signal) : this.handleOrphans(key, signal);
  }

  /** Plans from the cache, to spare a live read. Undefined in phases in which there mostly is something to do. */
  private async planCached(object: Sandbox, signal: AbortSignal): Promise<Plan | undefined> {
    return isSettled(object) ? planSandbox(object, await this.parts.reader.read(object, signal)) : undefined;
  }

  private async act(key: string, object: Sandbox, signal: AbortSignal): Promise<Result> {
    const { reader, actions, memory } = this.parts;
    const plan = planSandbox(object, await reader.read(object, signal));
    await actions.apply(object, plan.actions, signal);
    const pause = memory.notBefore(key) - Date.now();
    const pauses = [plan.requeueAfterMs, pause > 0 ? pause : undefined].filter((ms) => ms !== undefined);
    return after(pauses.length > 0 ? Math.min(...pauses) : undefined);
  }

  private async handleOrphans(key: string, signal: AbortSignal): Promise<Result> {
    const plan = this.orphanPlan(key);
    for (const action of plan.actions) await this.parts.orphans.apply(key, action, signal);
    return after(plan.requeueAfterMs);
  }

  /** Plans the containers of a name as if it had no object; a live read confirms that before anything is done. */
  private orphanPlan(key: string): OrphanPlan {
    const { reader, calls, memory, orphanTimeoutMs, actingSince } = this.parts;
    calls.forget(key);
    memory.drop(key);
    const { namespace, name } = splitKey(key);
    const times = { now: Date.now(), orphanTimeoutMs, actingSince: actingSince() };
    const isAdoptable = (sandbox: AgentSandboxStatus): boolean =>
      adoptableTemplate(this.parts.verifier, { namespace, name }, sandbox) !== undefined;
    return planOrphans(reader.claimants(namespace, name), isAdoptable, times);
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

function isSettled({ status, metadata }: Sandbox): boolean {
  const settled = status?.phase !== undefined && status.phase !== 'Pending' && status.phase !== 'Bound';
  return settled && metadata.deletionTimestamp === undefined;
}

function after(requeueAfterMs: number | undefined): Result {
  return requeueAfterMs === undefined ? {} : { requeueAfterMs };
}
