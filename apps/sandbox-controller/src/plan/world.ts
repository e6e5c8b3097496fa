import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type AdmissionCode, type FinalCode } from '@fsb/api/agent-codes';

/** An agent's word on one container. `absent`: the agent itself said that it does not have it. */
export type Report =
  | { readonly state: 'known'; readonly sandbox: AgentSandboxStatus }
  | { readonly state: 'absent' }
  | { readonly state: 'unknown' };

export interface AssignedAgent {
  readonly id: string;
  readonly podIP: string;
  /** `gone`: its Pod does not exist any more, or has ended. `silent`: the Pod exists, the agent is out of reach. */
  readonly presence: 'in_sync' | 'silent' | 'gone';
  /** milliseconds of silence, as the object records it or as this process has seen it, whichever is longer */
  readonly silentMs: number;
  readonly podReady: boolean;
}

/** A container that claims the object's name, as reported by an agent in sync. */
export interface ClaimedContainer {
  readonly agentId: string;
  readonly podName: string;
  readonly podIP: string;
  readonly nodeName: string;
  readonly sandbox: AgentSandboxStatus;
}

/** Codes after which nothing of the sandbox is on the agent: it refused, or there was no connection. */
export type RefusalCode = AdmissionCode | 'unreachable';

export type CreateOutcome =
  | { readonly kind: 'running' }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string }
  /** Final: every agent would answer the same. */
  | { readonly kind: FinalCode; readonly message: string }
  /** The agent tried and failed. */
  | { readonly kind: 'failed'; readonly message: string }
  /** No answer: the container may exist. */
  | { readonly kind: 'no_answer'; readonly message: string };

export type CreateCall =
  | { readonly state: 'in_flight' }
  | { readonly state: 'settled'; readonly agentId: string; readonly outcome: CreateOutcome };

export type PlacementCandidate =
  | { readonly state: 'found'; readonly agentId: string; readonly podName: string; readonly nodeName: string }
  | { readonly state: 'none'; readonly reason: string; readonly message: string };

/** What a create needs besides the object, read live when a container is to be made. */
export type Inputs =
  | {
      readonly state: 'resolved';
      /** $(NAME) is expanded, as in env */
      readonly command?: readonly string[];
      readonly args?: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly pullSecrets: readonly { host: string; username: string; password: string }[];
      readonly resources: Readonly<Record<string, string>>;
      readonly terminationGracePeriodSeconds?: number;
    }
  /** a reference does not exist yet: retried */
  | { readonly state: 'missing'; readonly message: string }
  /** cannot ever succeed: the sandbox fails */
  | { readonly state: 'invalid'; readonly message: string };

export interface World {
  readonly now: number;
  /** `absent` and `deleting` are definite */
  readonly pool: 'present' | 'deleting' | 'absent';
  /** the agent that the object is assigned to, if any */
  readonly agent?: AssignedAgent | undefined;
  /** that agent's word on the object's current container */
  readonly report: Report;
  /** every container that claims the object's name, the current one included */
  readonly claimed: readonly ClaimedContainer[];
  readonly call?: CreateCall | undefined;
  /** only for an unassigned object whose inputs are resolved */
  readonly candidate?: PlacementCandidate | undefined;
  /** only if a container may have to be made */
  readonly inputs?: Inputs | undefined;
  /** Unix ms of the next placement try; 0: at once. Kept in memory: its loss only means an earlier try. */
  readonly notBefore: number;
  readonly orphanTimeoutMs: number;
  /** Unix ms since when this replica leads */
  readonly actingSince: number;
}
