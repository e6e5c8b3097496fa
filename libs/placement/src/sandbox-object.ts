/** The Sandbox object of a running container, written by the gateway behind a FAST create, or by an adopter. */
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { ALLOCATION_ANNOTATION, type Allocation, SANDBOX_FINALIZER } from '@fsb/api/labels';
import { type SandboxPhase } from '@fsb/api/phases';
import { API_VERSION, type Condition, type Sandbox, type SandboxSpec, type SandboxStatus } from '@fsb/api/sandbox';
import { rfc3339 } from '@fsb/kit/times';
import { z } from 'zod';
import { type AgentView } from './agent-directory';

/** Template of an object, which the agent keeps (`object` of its create) so that it can be adopted. */
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
  /** Unix seconds, by the agent's clock */
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
  // the CRD's schema validates the rest when the object is written
  spec: z.looseObject({ image: z.string(), poolRef: z.string() }),
});

/** The template in a report. @returns undefined if it is absent or malformed */
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
 * Creation time of a sandbox: that of its allocation if the container came first, else that of its object.
 * @returns Unix seconds; 0 if neither is known
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
    return undefined; // malformed: anyone may write the annotation
  }
}

/** The object's first status, by the agent's report. */
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
