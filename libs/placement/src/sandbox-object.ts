/** The Sandbox object of a running container: the gateway writes it behind a FAST create, an adopter from the agent's report. */
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { ALLOCATION_ANNOTATION, type Allocation, SANDBOX_FINALIZER } from '@fsb/api/labels';
import { type SandboxPhase } from '@fsb/api/phases';
import { API_VERSION, type Condition, type Sandbox, type SandboxSpec, type SandboxStatus } from '@fsb/api/sandbox';
import { rfc3339 } from '@fsb/kit/times';
import { z } from 'zod';
import { type AgentView } from './agent-directory';

/** What the agent keeps (`object` of its create), so that anybody can make the object after the creator has died. */
export interface SandboxTemplate {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: SandboxSpec;
}

export interface SandboxObjectInput {
  readonly name: string;
  readonly namespace: string;
  readonly template: SandboxTemplate;
  readonly agent: Pick<AgentView, 'name' | 'nodeName'>;
  /** Unix seconds, as the agent says it */
  readonly createdAt: number;
}

export interface StatusInput {
  readonly agent: Pick<AgentView, 'name' | 'nodeName' | 'address'>;
  readonly sandbox: Pick<AgentSandboxStatus, 'sandboxId' | 'phase' | 'createdAt'> & Partial<AgentSandboxStatus>;
  readonly ports: readonly number[];
}

const Template = z.object({
  metadata: z.object({
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  // the rest is the CRD's schema to judge, when the object is written
  spec: z.looseObject({ image: z.string(), poolRef: z.string() }),
});

/** Undefined where the report has no object, or not one of ours. */
export function templateOf(object: AgentSandboxStatus['object']): SandboxTemplate | undefined {
  const parsed = Template.safeParse(object);
  return parsed.success ? parsed.data : undefined;
}

export function sandboxObject({ name, namespace, template, agent, createdAt }: SandboxObjectInput): Sandbox {
  const allocation: Allocation = {
    assignedPod: agent.name,
    assignedNode: agent.nodeName,
    allocatedAt: rfc3339(createdAt * 1000),
  };
  return {
    apiVersion: API_VERSION,
    kind: 'Sandbox',
    metadata: {
      name,
      namespace,
      labels: { ...template.metadata.labels },
      annotations: { ...template.metadata.annotations, [ALLOCATION_ANNOTATION]: JSON.stringify(allocation) },
      finalizers: [SANDBOX_FINALIZER],
    },
    spec: template.spec,
  };
}

const Allocated = z.object({ allocatedAt: z.iso.datetime() });

/**
 * When the sandbox was made: by its allocation where a gateway made the container first, else when the object was written.
 * @returns Unix seconds; 0 where neither is known
 */
export function createdAtOf({ metadata }: Pick<Sandbox, 'metadata'>): number {
  const allocation = metadata.annotations?.[ALLOCATION_ANNOTATION];
  const at = allocation === undefined ? undefined : allocatedAt(allocation);
  return Math.floor(Date.parse(at ?? metadata.creationTimestamp ?? '') / 1000) || 0;
}

function allocatedAt(allocation: string): string | undefined {
  try {
    return Allocated.parse(JSON.parse(allocation)).allocatedAt;
  } catch {
    return undefined; // somebody else's writing
  }
}

/** The status that follows from what the agent reports. */
export function runningStatus({ agent, sandbox, ports }: StatusInput): SandboxStatus {
  const { sandboxId, exitCode, reason, message, finishedAt } = sandbox;
  const phase = phaseOf(sandbox.phase);
  return {
    phase,
    assignedPod: agent.name,
    nodeName: agent.nodeName,
    sandboxID: sandboxId,
    endpoints: endpointsOf(agent, ports),
    attempt: 0,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    conditions: [readyCondition(phase, finishedAt ?? rfc3339(sandbox.createdAt * 1000), reason)],
  };
}

export function endpointsOf({ address }: Pick<AgentView, 'address'>, ports: readonly number[]): string[] {
  return ports.map((port) => `${address.includes(':') ? `[${address}]` : address}:${port}`);
}

export function phaseOf(phase: AgentSandboxStatus['phase']): SandboxPhase {
  switch (phase) {
    case 'creating':
      return 'Bound';
    case 'running':
      return 'Running';
    case 'terminating':
      return 'Terminating';
    case 'stopped':
      return 'Succeeded';
    case 'failed':
    case 'terminated':
      return 'Failed';
  }
}

function readyCondition(phase: SandboxPhase, at: string, reason: string | undefined): Condition {
  const running = phase === 'Running';
  return {
    type: 'Ready',
    status: running ? 'True' : 'False',
    reason: reason ?? phase,
    message: running ? 'its process runs' : `the sandbox is ${phase}`,
    lastTransitionTime: at,
  };
}
