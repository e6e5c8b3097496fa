import { isDeepStrictEqual } from 'node:util';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { type Sandbox } from '@fsb/api/sandbox';
import { endpointsOf } from '@fsb/placement/sandbox-object';
import { type Action, type Step } from './action';
import { StatusOf } from './status';
import { type AssignedAgent, type World } from './world';

/** After a run of this length the next failure is the first one again. */
const LONG_RUN_SECONDS = 600;

/** What the agent says of the current container, as the object's status. Its raw phases never get there. */
export function followReport(sandbox: Sandbox, agent: AssignedAgent, report: AgentSandboxStatus, world: World): Step {
  const status = new StatusOf(sandbox, world.now);
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
      return {}; // its agent says next what became of it
    case 'stopped':
    case 'failed':
    case 'terminated':
      return { status: status.finished(report), actions: done };
  }
}

/** Also in another's words: what the gateway wrote behind a FAST create is not written again. */
function saysRunning({ spec, status }: Sandbox, { podIP }: AssignedAgent): boolean {
  const { phase, endpoints = [], conditions = [] } = status ?? {};
  const ready = conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True');
  return (
    phase === 'Running' &&
    ready &&
    isDeepStrictEqual(endpoints, endpointsOf({ address: podIP }, spec.exposedPorts ?? []))
  );
}

/** A long run ends the row of failures: it is waited for, so that whoever leads then sees it in the object. */
function whileRunning(sandbox: Sandbox, agent: AssignedAgent, report: AgentSandboxStatus, now: number): Step {
  const status = new StatusOf(sandbox, now);
  const left = (report.createdAt + LONG_RUN_SECONDS) * 1000 - now;
  const failedBefore = (sandbox.status?.recreations ?? 0) > 0;
  if (failedBefore && left <= 0) return { status: status.running(agent.podIP, 0) };
  return {
    status: saysRunning(sandbox, agent) ? undefined : status.running(agent.podIP),
    ...(failedBefore ? { requeueAfterMs: left } : {}),
  };
}
