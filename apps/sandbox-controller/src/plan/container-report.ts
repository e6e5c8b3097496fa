import { isDeepStrictEqual } from 'node:util';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type Sandbox } from '@fsb/api/sandbox';
import { endpointsOf } from '@fsb/placement/sandbox-object';
import { type Action, type Step } from './action';
import { StatusBuilder } from './status';
import { type AssignedAgent, type World } from './world';

/** A run of this length resets the count of recreations. */
const LONG_RUN_SECONDS = 600;

/** Translates the agent's report of the current container into the object's status. */
export function followReport(sandbox: Sandbox, agent: AssignedAgent, report: AgentSandboxStatus, world: World): Step {
  const status = new StatusBuilder(sandbox, world.now);
  const done: Action[] = world.call ? [{ type: 'forget_call' }] : [];
  switch (report.phase) {
    case 'creating':
      return sandbox.status?.phase === 'Running'
        ? {}
        : { status: status.waiting({ reason: 'Creating', message: 'its agent makes its container' }) };
    case 'running':
      return {
        ...whileRunning(sandbox, agent, report, world.now),
        actions: sandbox.status?.phase === 'Running' ? done : [...done, { type: 'forget', what: 'placement' }],
      };
    case 'terminating':
      return {}; // decided by the agent's next report
    case 'stopped':
    case 'failed':
    case 'terminated':
      return { status: status.finished(report), actions: done };
  }
}

/** Whether the status already shows it running, be it in the gateway's words: those are not rewritten. */
function saysRunning({ spec, status }: Sandbox, { podIP }: AssignedAgent): boolean {
  const { phase, endpoints = [], conditions = [] } = status ?? {};
  const ready = conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True');
  return (
    phase === 'Running' &&
    ready &&
    isDeepStrictEqual(endpoints, endpointsOf({ address: podIP }, spec.exposedPorts ?? []))
  );
}

/** Resets the recreations after a long run, by a requeue, so that the object shows it to any later leader. */
function whileRunning(sandbox: Sandbox, agent: AssignedAgent, report: AgentSandboxStatus, now: number): Step {
  const status = new StatusBuilder(sandbox, now);
  const left = (report.createdAt + LONG_RUN_SECONDS) * 1000 - now;
  const failedBefore = (sandbox.status?.recreations ?? 0) > 0;
  if (failedBefore && left <= 0) return { status: status.running(agent.podIP, 0) };
  return {
    status: saysRunning(sandbox, agent) ? undefined : status.running(agent.podIP),
    ...(failedBefore ? { requeueAfterMs: left } : {}),
  };
}
