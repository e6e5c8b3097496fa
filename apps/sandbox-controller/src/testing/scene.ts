import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type AgentPhase } from '@fsb/api/phases';
import {
  ALLOCATION_ANNOTATION,
  CREATE_TIMESTAMP_ANNOTATION,
  CREATED_BY_FASTPATH,
  CREATED_BY_LABEL,
  SANDBOX_FINALIZER,
} from '@fsb/api/labels';
import { API_VERSION, type ObjectMeta, type Sandbox, type SandboxSpec, type SandboxStatus } from '@fsb/api/sandbox';
import { fastSandboxId } from '@fsb/api/sandbox-id';
import { type Action, type Plan } from '../plan/action';
import { planSandbox } from '../plan/sandbox-plan';
import { type AssignedAgent, type ClaimedContainer, type CreateOutcome, type World } from '../plan/world';

/** Clock of the plans' tables, which take their objects and worlds from this file. */
export const NOW = Date.parse('2026-05-01T12:00:00Z');
export const UID = 'uid-1';
const NANOS = '1777000000123456789';
export const FAST_ID = fastSandboxId('box', 'team', BigInt(NANOS));
export const AGENT = 'team/agent-1';

export function at(seconds: number): string {
  return new Date(NOW + seconds * 1000).toISOString();
}

interface ObjectParts {
  readonly spec?: Partial<SandboxSpec>;
  readonly status?: SandboxStatus;
  readonly metadata?: Partial<ObjectMeta>;
}

export function sandbox({ spec, status, metadata }: ObjectParts = {}): Sandbox {
  return {
    apiVersion: API_VERSION,
    kind: 'Sandbox',
    metadata: {
      ...{ name: 'box', namespace: 'team', uid: UID, generation: 1, finalizers: [SANDBOX_FINALIZER] },
      ...metadata,
    },
    spec: { image: 'busybox', poolRef: 'pool', exposedPorts: [8080], ...spec },
    ...(status ? { status } : {}),
  };
}

/** An object as the gateway writes it for a FAST create, before its status. */
export function fastSandbox({ spec, status, metadata }: ObjectParts = {}): Sandbox {
  const allocation = { assignedPod: 'agent-1', assignedNode: 'node-1', allocatedAt: at(-5) };
  return sandbox({
    ...(spec ? { spec } : {}),
    ...(status ? { status } : {}),
    metadata: {
      labels: { [CREATED_BY_LABEL]: CREATED_BY_FASTPATH },
      annotations: { [ALLOCATION_ANNOTATION]: JSON.stringify(allocation), [CREATE_TIMESTAMP_ANNOTATION]: NANOS },
      ...metadata,
    },
  });
}

export function assigned(phase: SandboxStatus['phase'], more: SandboxStatus = {}): SandboxStatus {
  const assignment = { assignedPod: 'agent-1', nodeName: 'node-1', sandboxID: UID };
  return { attempt: 0, observedGeneration: 1, ...assignment, ...(phase ? { phase } : {}), ...more };
}

export function container(phase: AgentPhase, more: Partial<AgentSandboxStatus> = {}): AgentSandboxStatus {
  const who = { sandboxId: UID, claimUid: UID, claimName: 'box', namespace: 'team' };
  return { ...who, phase, createdAt: NOW / 1000 - 60, ...more };
}

export function claimed(sandboxStatus: AgentSandboxStatus, podName = 'agent-1'): ClaimedContainer {
  const agent = { agentId: `team/${podName}`, podName, podIP: '10.0.0.1', nodeName: 'node-1' };
  return { ...agent, sandbox: sandboxStatus };
}

export function agent(more: Partial<AssignedAgent> = {}): AssignedAgent {
  return { id: AGENT, podIP: '10.0.0.1', presence: 'in_sync', silentMs: 0, podReady: true, ...more };
}

export const SILENT = agent({ presence: 'silent', silentMs: 10_000, podReady: false });
export const LOST = agent({ presence: 'silent', silentMs: 61_000, podReady: false });
export const GONE = agent({ presence: 'gone', podReady: false });

export function world(more: Partial<World> = {}): World {
  return {
    now: NOW,
    pool: 'present',
    report: { state: 'unknown' },
    claimed: [],
    candidate: { state: 'found', agentId: 'team/agent-2', podName: 'agent-2', nodeName: 'node-2' },
    inputs: { state: 'resolved', env: {}, pullSecrets: [], resources: {} },
    notBefore: 0,
    ...{ orphanTimeoutMs: 10_000, actingSince: 0 },
    ...more,
  };
}

/** World in which an agent in sync reports this container. */
export function having(sandboxStatus: AgentSandboxStatus, more: Partial<World> = {}): World {
  const known = { state: 'known', sandbox: sandboxStatus } as const;
  return world({ agent: agent(), report: known, claimed: [claimed(sandboxStatus)], ...more });
}

/** World in which an agent in sync has no container of the object. */
export function denying(more: Partial<World> = {}): World {
  return world({ agent: agent(), report: { state: 'absent' }, ...more });
}

export function settled(outcome: CreateOutcome): Pick<World, 'call'> {
  return { call: { state: 'settled', agentId: AGENT, outcome } };
}

export function statusIn({ actions }: Plan): SandboxStatus | undefined {
  return actions.find((action) => action.type === 'set_status')?.status;
}

/** The plan's actions as words, without status writes and Events. */
export function deeds({ actions }: Plan): string[] {
  return actions.filter(({ type }) => type !== 'set_status' && type !== 'event').map(deed);
}

export function events({ actions }: Plan): string[] {
  return actions.flatMap((action) => (action.type === 'event' ? [`${action.level} ${action.reason}`] : []));
}

function deed(action: Action): string {
  if ('what' in action) return `${action.type} ${action.what}`;
  if ('sandboxId' in action) return `${action.type} ${action.sandboxId}@${action.agentId}`;
  return 'agentId' in action ? `${action.type} ${action.agentId}` : action.type;
}

/** The plan for an object; with `after`, the next plan, for the object as the first one would leave it. */
export function plan(object: Sandbox, before: World, after?: World): Plan {
  const first = planSandbox(object, before);
  if (!after) return first;
  const status = statusIn(first) ?? object.status;
  return planSandbox({ ...object, ...(status ? { status } : {}) }, after);
}
