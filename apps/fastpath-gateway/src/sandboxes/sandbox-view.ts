import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type SandboxInfo } from '@fsb/api/gen/fastpath/v1/fastpath';
import { hasEndedOnAgent } from '@fsb/api/phases';
import { type Sandbox } from '@fsb/api/sandbox';
import { knownSandboxId } from '@fsb/api/sandbox-id';
import { type ReportedSandbox } from '@fsb/placement/agent-directory';
import { createdAtOf, endpointsOf, phaseOf, type SandboxTemplate } from '@fsb/placement/sandbox-object';
import { type PendingRecord } from './pending-records';

const NO_STATUS = {
  ...{ phase: 'Pending', assignedPod: '', nodeName: '', reason: '', message: '' },
  endpoints: [],
  exitCode: undefined,
};

/** Phases of an object whose container may have ended since the object was written. */
const ALIVE: ReadonlySet<string> = new Set(['Bound', 'Running']);

/** The view of a Sandbox object, as callers receive it. */
export function viewOfObject({ metadata, spec, status }: Sandbox): SandboxInfo {
  const { phase, assignedPod, endpoints, nodeName, exitCode, reason, message } = { ...NO_STATUS, ...status };
  return {
    sandboxId: knownSandboxId({ metadata, ...(status ? { status } : {}) }),
    phase: metadata.deletionTimestamp === undefined ? phase : 'Terminating',
    agentPod: assignedPod,
    endpoints,
    createdAt: createdAtOf({ metadata }),
    image: spec.image,
    poolRef: spec.poolRef,
    sandboxName: metadata.name ?? '',
    nodeName,
    exitCode,
    reason,
    message,
    namespace: metadata.namespace ?? '',
    objectJson: '',
  };
}

/**
 * Adds the exit that an agent reports to the view of an object that does not have it yet. Reports precede the
 * sandbox-controller's write; an exit that a caller has seen must not vanish behind an older object. Pure.
 */
export function withEnd(view: SandboxInfo, report: AgentSandboxStatus | undefined): SandboxInfo {
  if (!report || !ALIVE.has(view.phase) || !hasEndedOnAgent(report.phase)) return view;
  const { exitCode, reason = '', message = '' } = report;
  return { ...view, phase: phaseOf(report.phase), exitCode, reason, message };
}

/** The view of a pending record. */
export function viewOfRecord(record: PendingRecord, report: AgentSandboxStatus | undefined): SandboxInfo {
  const { order, agent, sandboxId, createdAt } = record;
  return {
    ...{ sandboxId, createdAt },
    // the answer said that it runs: a report with `creating` is older
    phase: report && report.phase !== 'creating' ? phaseOf(report.phase) : 'Running',
    agentPod: agent.name,
    endpoints: endpointsOf(agent, order.spec.exposedPorts ?? []),
    image: order.spec.image,
    poolRef: order.pool,
    sandboxName: order.name,
    nodeName: agent.nodeName,
    exitCode: report?.exitCode,
    reason: report?.reason ?? '',
    message: report?.message ?? '',
    namespace: order.namespace,
    objectJson: '',
  };
}

/** The view of a container that another replica made and whose object is not known here yet. */
export function viewOfReport({ agent, sandbox }: ReportedSandbox, template: SandboxTemplate | undefined): SandboxInfo {
  return {
    sandboxId: sandbox.sandboxId,
    phase: phaseOf(sandbox.phase),
    agentPod: agent.name,
    endpoints: endpointsOf(agent, sandbox.ports ?? []),
    createdAt: sandbox.createdAt,
    image: template?.spec.image ?? sandbox.image ?? '',
    poolRef: agent.pool,
    sandboxName: sandbox.claimName ?? '',
    nodeName: agent.nodeName,
    exitCode: sandbox.exitCode,
    reason: sandbox.reason ?? '',
    message: sandbox.message ?? '',
    namespace: agent.namespace,
    objectJson: '',
  };
}
