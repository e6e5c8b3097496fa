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
        status: saysRunning(sandbox, agent) ? undefined : status.running(agent.podIP),
        actions: [...done, ...forgetFailures(sandbox, report, world)],
      };
    case 'terminating':
      return {}; // its agent says next what became of it
    case 'stopped':
    case 'failed':
      return { status: isGone(report) ? status.lost(gone(report)) : status.finished(report), actions: done };
    case 'terminated':
      return { status: status.lost(gone(report)), actions: done };
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

/** Ended, and nobody knows how: a container that an agent did not find again. */
function isGone({ reason, exitCode }: AgentSandboxStatus): boolean {
  return reason === 'ContainerGone' && exitCode === undefined;
}

function gone({ message }: AgentSandboxStatus): { reason: string; message: string } {
  return { reason: 'ContainerGone', message: message ?? 'its container is gone' };
}

function forgetFailures(sandbox: Sandbox, { createdAt }: AgentSandboxStatus, world: World): Action[] {
  const long = world.recreations > 0 && world.now / 1000 - createdAt >= LONG_RUN_SECONDS;
  const placed = sandbox.status?.phase !== 'Running';
  return [
    ...(placed ? ([{ type: 'forget', what: 'placement' }] as const) : []),
    ...(long ? ([{ type: 'forget', what: 'recreations' }] as const) : []),
  ];
}
