import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type AdmissionCode, type FinalCode } from '@fsb/api/agent-codes';

/** What is known of one container. Only `absent` is a no: the agent itself said that it does not have it. */
export type Report =
  | { readonly state: 'known'; readonly sandbox: AgentSandboxStatus }
  | { readonly state: 'absent' }
  | { readonly state: 'unknown' };

export interface AssignedAgent {
  readonly id: string;
  readonly podIP: string;
  /** `gone`: its Pod is not there any more, or has ended. `silent`: the Pod is there, the agent is out of reach. */
  readonly presence: 'in_sync' | 'silent' | 'gone';
  /** since when the object says so, or this process has seen it, whichever is longer */
  readonly silentMs: number;
  readonly podReady: boolean;
}

/** A container that claims the object's name, as an agent in sync reports it. */
export interface ClaimedContainer {
  readonly agentId: string;
  readonly podName: string;
  readonly podIP: string;
  readonly nodeName: string;
  readonly sandbox: AgentSandboxStatus;
}

/** Nothing of the sandbox is on the agent: it said so itself, or was never connected to. */
export type RefusalCode = AdmissionCode | 'unreachable';

export type CreateOutcome =
  | { readonly kind: 'running' }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string }
  /** No agent would answer otherwise. */
  | { readonly kind: FinalCode; readonly message: string }
  /** The agent tried, and says that it failed. */
  | { readonly kind: 'failed'; readonly message: string }
  /** No answer: the container may exist. */
  | { readonly kind: 'no_answer'; readonly message: string };

export type CreateCall =
  | { readonly state: 'in_flight' }
  | { readonly state: 'settled'; readonly agentId: string; readonly outcome: CreateOutcome };

export type Candidate =
  | { readonly state: 'found'; readonly agentId: string; readonly podName: string; readonly nodeName: string }
  | { readonly state: 'none'; readonly reason: string; readonly message: string };

/** What a create needs besides the object: read live, when a container is to be made. */
export type Inputs =
  | {
      readonly state: 'resolved';
      /** with $(NAME) expanded, as env */
      readonly command?: readonly string[];
      readonly args?: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly pullSecrets: readonly { host: string; username: string; password: string }[];
      readonly resources: Readonly<Record<string, string>>;
      readonly terminationGracePeriodSeconds?: number;
    }
  /** may come yet */
  | { readonly state: 'missing'; readonly message: string }
  /** will never do */
  | { readonly state: 'invalid'; readonly message: string };

export interface World {
  readonly now: number;
  /** `absent` and `deleting` are definite */
  readonly pool: 'present' | 'deleting' | 'absent';
  /** the agent that the object is assigned to, if it is to any */
  readonly agent?: AssignedAgent | undefined;
  /** of the object's current container, on that agent */
  readonly report: Report;
  /** every container that claims the object's name, the current one included */
  readonly claimed: readonly ClaimedContainer[];
  readonly call?: CreateCall | undefined;
  /** these two only where a container may have to be made */
  readonly candidate?: Candidate | undefined;
  readonly inputs?: Inputs | undefined;
  /** Not before then is another placement tried. Kept in memory: losing it only means an earlier try. */
  readonly notBefore: number;
  readonly orphanTimeoutMs: number;
  /** since when this replica leads */
  readonly actingSince: number;
}
