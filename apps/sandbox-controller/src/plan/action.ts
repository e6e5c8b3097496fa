import { type SandboxStatus } from '@fsb/api/sandbox';
import { type Inputs } from './world';

export type ResolvedInputs = Extract<Inputs, { state: 'resolved' }>;

/** What a plan asks for, in order. The first that fails ends the pass: the next one reads the world anew. */
export type Action =
  | { readonly type: 'add_finalizer' }
  | { readonly type: 'remove_finalizer' }
  | { readonly type: 'delete_object' }
  | { readonly type: 'remove_allocation' }
  | { readonly type: 'set_status'; readonly status: SandboxStatus }
  /** holds the slot in our own registry while the object says Bound and the agent does not know yet */
  | { readonly type: 'reserve'; readonly agentId: string; readonly sandboxId: string }
  | StartCreate
  /** its outcome is in the status now; what was reserved for it is given up, if the agent has not taken it */
  | { readonly type: 'forget_call' }
  | { readonly type: 'bind'; readonly agentId: string; readonly sandboxId: string }
  /** @property keepLog the object stays, and may be asked for the log */
  | {
      readonly type: 'delete_container';
      readonly agentId: string;
      readonly sandboxId: string;
      readonly keepLog?: true;
    }
  /** not to be proposed again before the next back-off */
  | { readonly type: 'exclude_agent'; readonly agentId: string }
  /**
   * The next look waits, longer each time, and may be at any agent; one that waits `for` an agent is woken by a slot.
   * Nothing was tried, so nothing is written: after a change of leader it is looked at a little sooner.
   */
  | { readonly type: 'back_off'; readonly for: 'agent' | 'time' }
  | { readonly type: 'forget'; readonly what: 'placement' }
  | { readonly type: 'event'; readonly level: 'Normal' | 'Warning'; readonly reason: string; readonly message: string };

interface StartCreate {
  readonly type: 'start_create';
  readonly agentId: string;
  readonly sandboxId: string;
  readonly inputs: ResolvedInputs;
  /** Nothing was ever sent for this id: an agent that cannot be connected to has no trace of it. */
  readonly fresh: boolean;
}

export interface Plan {
  readonly actions: readonly Action[];
  readonly requeueAfterMs?: number | undefined;
}

/** A part of a plan: the status that the object should have, and what is to be done around its writing. */
export interface Step {
  readonly status?: SandboxStatus | undefined;
  readonly before?: readonly Action[];
  readonly actions?: readonly Action[];
  readonly requeueAfterMs?: number | undefined;
}
