import { type AgentCode } from '@fsb/api/agent-codes';
import { type AgentPhase } from '@fsb/api/phases';
import { type ImagePullPolicy, type SandboxResources } from '@fsb/api/sandbox';

/** The agent's HTTP API: the Go predecessor's paths and fields, camelCase. "Ours" marks additions; each is optional. */
export const AGENT_PATHS = {
  create: '/api/v1/agent/create',
  delete: '/api/v1/agent/delete',
  status: '/api/v1/agent/status',
  logs: '/api/v1/agent/logs',
  /** Ours: binds a sandbox to the uid of its object. */
  bind: '/api/v1/agent/bind',
  /** Ours: `{draining: boolean}`; a draining agent refuses creates with 409. */
  drain: '/api/v1/agent/drain',
  /** Ours: ends every unbound sandbox of a name, and refuses creates of that name that began before. */
  ensureAbsent: '/api/v1/agent/ensure-absent',
  /** Ours: the last ensure-absent of a name. */
  lastDelete: '/api/v1/agent/last-delete',
} as const;

export interface SandboxRequest {
  readonly sandboxId: string;
  /** uid of the Sandbox object; empty in FAST mode, where the object comes later */
  readonly claimUid: string;
  /** name of the Sandbox object */
  readonly claimName: string;
  readonly image: string;
  /** Kubernetes quantities, the Go predecessor's two fields; `resources` overrides both */
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
  /** seconds between SIGTERM and SIGKILL, from 0 to 3600; absent: 10 */
  readonly terminationGracePeriodSeconds?: number;
  /** the object's attempt; an agent refuses an older generation of the same name */
  readonly generation?: number;
  /** template of the object: the spec and annotations from which an adopter creates it */
  readonly object?: Readonly<Record<string, unknown>>;
  /** credentials for a pull, by registry host, as in a dockerconfigjson's auths */
  readonly pullSecrets?: readonly { readonly host: string; readonly username: string; readonly password: string }[];
  /** absent: IfNotPresent */
  readonly imagePullPolicy?: ImagePullPolicy;
}

export interface CreateSandboxRequest {
  readonly sandbox: SandboxRequest;
  /** Ours: uid of the intended agent Pod. Another agent that has got its address refuses with `other_agent`. */
  readonly agentUid?: string;
  /** Ours: the sandbox cannot be found without this answer. The agent ends it if every caller leaves before. */
  readonly leaveNothing?: boolean;
  /**
   * Ours: number of the last delete by name that this create is known to follow; 0: none. An agent with a later delete
   * refuses with `stale_generation` and `deleted`. Absent: deletes by name do not apply to this create.
   */
  readonly afterDelete?: number;
}

/** A delete by name, as an agent remembers it. */
export interface NamedDelete {
  /** sequence number of the agent's deletes by name, from 1 */
  readonly number: number;
  /** milliseconds since the delete */
  readonly ageMs: number;
}

export interface EnsureAbsentRequest {
  /** namespace of the Sandbox object */
  readonly namespace: string;
  readonly name: string;
  /** ends only this sandbox; later creates of the name are not refused */
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
  /** Ours: the reason of a failure; on 409 that of the refusal. */
  readonly code?: AgentCode;
  readonly free?: FreeCapacity;
  /** Ours: milliseconds by stage, in order. */
  readonly stages?: readonly Stage[];
  /** Ours: the delete by name that caused the refusal. */
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
  /** bytes of ephemeral storage; absent where the agent has no limit */
  readonly storageBytes?: number;
  /** ports in use on this agent */
  readonly usedPorts: readonly number[];
}

export interface DeleteSandboxRequest {
  readonly sandboxId: string;
  /** Ours: a delete with an older generation than the sandbox's is refused. */
  readonly generation?: number;
  /** Ours: keeps the log readable, because the object stays (expired, reset or recreated). */
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
  /** false: the agent has no such sandbox, or is ending it; absent: an older agent */
  readonly bound?: boolean;
}
export interface DrainRequest {
  readonly draining: boolean;
}

export interface AgentSandboxStatus {
  readonly sandboxId: string;
  /** uid of the Sandbox object; empty while unbound */
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
  /** template from the create, for an adopter; only while unbound */
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
  /** normalised names of the images with a standby container */
  readonly waiting?: readonly string[];
}

/** AgentStatus as an agent of the Go predecessor may report it: null for an empty list. */
export type PlainStatus = Omit<AgentStatus, 'sandboxStatuses'> & {
  readonly sandboxStatuses: AgentStatus['sandboxStatuses'] | null;
};

/** The status with an empty list in place of null. */
export function withoutNulls(status: PlainStatus): AgentStatus {
  return { ...status, sandboxStatuses: status.sandboxStatuses ?? [] };
}

/** A line of `GET status?watch=true`. The first is a snapshot; each snapshot replaces all that the reader knew. */
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
  /** sent after 2 s without another event; a reader takes a stream that is silent for 6 s for dead */
  | { readonly type: 'heartbeat' };
