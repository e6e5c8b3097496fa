import { type SandboxResources, type SandboxStatus } from '@fsb/api/sandbox';
import { type Inputs } from './world';

export type ResolvedInputs = Extract<Inputs, { state: 'resolved' }>;

/** One act of a plan. Actions run in order; the first failure ends the pass, and the next pass reads the world anew. */
export type Action =
  | { readonly type: 'add_finalizer' }
  | { readonly type: 'remove_finalizer' }
  | { readonly type: 'delete_object' }
  | { readonly type: 'remove_allocation' }
  | { readonly type: 'set_status'; readonly status: SandboxStatus }
  | Reserve
  | StartCreate
  /** drops the call, whose outcome is in the status now, and its reservation unless the agent has taken it */
  | { readonly type: 'forget_call' }
  | { readonly type: 'bind'; readonly agentId: string; readonly sandboxId: string }
  /** @property keepLog keeps the log, since the object stays */
  | {
      readonly type: 'delete_container';
      readonly agentId: string;
      readonly sandboxId: string;
      readonly keepLog?: true;
    }
  /** excludes an agent from placement until the next back-off */
  | { readonly type: 'exclude_agent'; readonly agentId: string }
  /**
   * Pauses placement, longer each time, and clears the excluded agents. A pause `for` an agent ends early when a slot
   * is freed. Kept in memory only, since nothing was tried: another leader just looks earlier.
   */
  | { readonly type: 'back_off'; readonly for: 'agent' | 'time' }
  /** drops the object's pauses and excluded agents */
  | { readonly type: 'forget'; readonly what: 'placement' }
  | { readonly type: 'event'; readonly level: 'Normal' | 'Warning'; readonly reason: string; readonly message: string };

/** Holds the slot in our own registry, and the quota, while the object is not yet Bound and the agent not yet asked. */
interface Reserve {
  readonly type: 'reserve';
  readonly agentId: string;
  readonly sandboxId: string;
  readonly resources: SandboxResources;
}

interface StartCreate {
  readonly type: 'start_create';
  readonly agentId: string;
  readonly sandboxId: string;
  readonly inputs: ResolvedInputs;
  /** nothing was ever sent for this id, so an agent without a connection has no trace of it */
  readonly fresh: boolean;
}

export interface Plan {
  readonly actions: readonly Action[];
  readonly requeueAfterMs?: number | undefined;
}

/** A part of a plan: the wanted status, and the actions before and after it is written. */
export interface Step {
  readonly status?: SandboxStatus | undefined;
  readonly before?: readonly Action[];
  readonly actions?: readonly Action[];
  readonly requeueAfterMs?: number | undefined;
}
