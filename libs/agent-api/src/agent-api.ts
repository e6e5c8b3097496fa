import { type AgentCode } from '@fsb/api/agent-codes';
import { type AgentPhase } from '@fsb/api/phases';
import { type ImagePullPolicy, type SandboxResources } from '@fsb/api/sandbox';

/** The agent's HTTP API: the original's paths and fields, camelCase; every field of ours is optional. */
export const AGENT_PATHS = {
  create: '/api/v1/agent/create',
  delete: '/api/v1/agent/delete',
  status: '/api/v1/agent/status',
  logs: '/api/v1/agent/logs',
  /** Ours: tells the agent the uid of the object that now stands for a sandbox. */
  bind: '/api/v1/agent/bind',
  /** Ours: `{draining: boolean}`; a draining agent refuses creates with 409. */
  drain: '/api/v1/agent/drain',
  /** Ours: ends what has a name and no object, and refuses creates of that name that were asked for before. */
  ensureAbsent: '/api/v1/agent/ensure-absent',
  /** Ours: when the agent was last told to end what has a name. */
  lastDelete: '/api/v1/agent/last-delete',
} as const;

export interface SandboxRequest {
  readonly sandboxId: string;
  /** uid of the Sandbox object; empty in FAST mode, where the object comes later */
  readonly claimUid: string;
  /** name of the Sandbox object */
  readonly claimName: string;
  readonly image: string;
  /** Kubernetes quantities, the original's two fields; `resources` wins over them */
  readonly cpu?: string;
  readonly memory?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  // ours
  /** namespace of the Sandbox object; absent: the agent's own */
  readonly namespace?: string;
  readonly ports?: readonly number[];
  readonly resources?: SandboxResources;
  readonly labels?: Readonly<Record<string, string>>;
  /** seconds between SIGTERM and SIGKILL when it is ended, from 0 to 3600; absent: 10 */
  readonly terminationGracePeriodSeconds?: number;
  /** An agent refuses a request of an older generation of the same name. */
  readonly generation?: number;
  /** All of the object's spec and annotations that the object needs when somebody else has to create it (adoption). */
  readonly object?: Readonly<Record<string, unknown>>;
  /** for a pull: dockerconfigjson auths by registry host */
  readonly pullSecrets?: readonly { readonly host: string; readonly username: string; readonly password: string }[];
  /** when the registry is asked; absent: IfNotPresent */
  readonly imagePullPolicy?: ImagePullPolicy;
}

export interface CreateSandboxRequest {
  readonly sandbox: SandboxRequest;
  /** Ours: uid of the agent Pod that is meant. Another agent, which got that one's address, refuses with `other_agent`. */
  readonly agentUid?: string;
  /** Ours: nobody can find the sandbox without its answer. Where every caller leaves before it, the agent ends it. */
  readonly leaveNothing?: boolean;
  /**
   * Ours: number of the last delete of the sandbox's name that this create is known to come after; 0: of none. An agent
   * with a later one refuses with `stale_generation` and `deleted`. Absent: deletes by name do not concern this create.
   */
  readonly afterDelete?: number;
}

/** A delete by name, as an agent remembers it. */
export interface NamedDelete {
  /** counts the agent's deletes by name from 1 */
  readonly number: number;
  /** milliseconds since then */
  readonly ageMs: number;
}

export interface EnsureAbsentRequest {
  /** of the Sandbox object */
  readonly namespace: string;
  readonly name: string;
  /** Only this one is ended, and nothing is refused afterwards. */
  readonly sandboxId?: string;
}
export interface EnsureAbsentResponse {
  readonly success: true;
  /** sandbox ids whose end has begun */
  readonly ended: readonly string[];
}
export interface LastDeleteResponse {
  readonly success: true;
  readonly deleted?: NamedDelete;
}

export interface CreateSandboxResponse {
  readonly success: boolean;
  readonly message?: string;
  readonly sandboxId: string;
  /** Unix seconds; 0 on failure */
  readonly createdAt: number;
  /** Ours: on 409, what was full. */
  readonly code?: AgentCode;
  readonly free?: FreeCapacity;
  /** Ours: milliseconds by stage, in order. */
  readonly stages?: readonly Stage[];
  /** Ours: the delete by name for which a create was refused. */
  readonly deleted?: NamedDelete;
}

export interface Stage {
  readonly name: string;
  readonly ms: number;
}

export interface FreeCapacity {
  readonly slots: number;
  /** bytes; absent where the agent has no limit */
  readonly memoryBytes?: number;
  /** bytes of what sandboxes write; absent where the agent has no limit */
  readonly storageBytes?: number;
  /** ports in use on this agent */
  readonly usedPorts: readonly number[];
}

export interface DeleteSandboxRequest {
  readonly sandboxId: string;
  /** Ours: a delete of an older generation than the sandbox's is refused. */
  readonly generation?: number;
  /** Ours: the object stays (it expired, is reset or made anew), and the log can still be asked for. */
  readonly keepLog?: boolean;
  /** Ours: seconds between SIGTERM and SIGKILL; a later delete may shorten it. Absent: the sandbox's own. */
  readonly gracePeriodSeconds?: number;
}
export interface DeleteSandboxResponse {
  readonly success: boolean;
  readonly message?: string;
}

export interface BindSandboxRequest {
  readonly sandboxId: string;
  readonly claimUid: string;
}
export interface BindSandboxResponse {
  readonly success: true;
  /** false: the agent has no such sandbox, or is ending it. Absent from an older agent. */
  readonly bound?: boolean;
}
export interface DrainRequest {
  readonly draining: boolean;
}

export interface AgentSandboxStatus {
  readonly sandboxId: string;
  /** empty while nobody has told the agent of an object: unbound */
  readonly claimUid: string;
  readonly phase: AgentPhase;
  readonly message?: string;
  /** Unix seconds */
  readonly createdAt: number;
  // ours
  readonly claimName?: string;
  readonly namespace?: string;
  readonly image?: string;
  readonly ports?: readonly number[];
  readonly generation?: number;
  readonly terminationGracePeriodSeconds?: number;
  readonly exitCode?: number;
  /** `Completed`, `Error`, `OOMKilled`, `EphemeralStorageExceeded`, `ShimLost`, `ContainerGone` … */
  readonly reason?: string;
  /** RFC 3339 */
  readonly finishedAt?: string;
  /** As given in create: what an adopter makes the object from. Only while unbound. */
  readonly object?: Readonly<Record<string, unknown>>;
}

export interface AgentStatus {
  /** the agent Pod's name */
  readonly agentId: string;
  readonly nodeName: string;
  readonly capacity: number;
  /** sandboxes that hold a slot: creating, running, terminating */
  readonly allocated: number;
  /** normalised image names in the node's containerd */
  readonly images: readonly string[] | null;
  readonly sandboxStatuses: readonly AgentSandboxStatus[];
  // ours
  readonly agentUid?: string;
  readonly draining?: boolean;
  readonly free?: FreeCapacity;
  /** normalised names of the images that have a container which waits for a sandbox */
  readonly waiting?: readonly string[];
}

/** As an agent of the original says it: null where there are none. */
export type PlainStatus = Omit<AgentStatus, 'sandboxStatuses'> & {
  readonly sandboxStatuses: AgentStatus['sandboxStatuses'] | null;
};

export function completed(status: PlainStatus): AgentStatus {
  return { ...status, sandboxStatuses: status.sandboxStatuses ?? [] };
}

/** A line of `GET status?watch=true`. The first is always a snapshot; a reader drops what it knew when one comes. */
export type AgentEvent =
  | { readonly type: 'snapshot'; readonly status: AgentStatus }
  | {
      readonly type: 'sandbox';
      readonly sandbox: AgentSandboxStatus;
      readonly allocated: number;
      readonly free: FreeCapacity;
    }
  | { readonly type: 'removed'; readonly sandboxId: string; readonly allocated: number; readonly free: FreeCapacity }
  | { readonly type: 'images'; readonly images: readonly string[] }
  | { readonly type: 'waiting'; readonly images: readonly string[] }
  | { readonly type: 'draining'; readonly draining: boolean }
  /** every 2 s of silence: a reader that hears nothing for 6 s takes the stream for dead */
  | { readonly type: 'heartbeat' };
