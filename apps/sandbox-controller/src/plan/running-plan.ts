import { type Sandbox } from '@fsb/api/sandbox';
import { type Step } from './action';
import { isLost } from './container-end';
import { followReport } from './container-report';
import { planSilence } from './silence';
import { StatusBuilder, type StatusReason } from './status';
import { type World } from './world';

/** Plans a Running sandbox, from its agent's report or the lack of it. */
export function planRunning(sandbox: Sandbox, world: World): Step {
  const { agent, report } = world;
  if (agent && report.state === 'known') return followReport(sandbox, agent, report.sandbox, world);
  const why = whyLost(sandbox, world);
  if (why) return { status: new StatusBuilder(sandbox, world.now).lost(why) };
  return agent ? planSilence(sandbox, agent, world.now) : {};
}

/** @returns why the sandbox is lost; undefined while it may still run because its agent does not answer */
export function whyLost(sandbox: Sandbox, { agent, report }: World): StatusReason | undefined {
  const pod = sandbox.status?.assignedPod ?? '';
  if (!agent) return { reason: 'ContainerGone', message: 'it is assigned to no agent' };
  if (agent.presence === 'gone') return { reason: 'AgentLost', message: `agent Pod ${pod} is gone` };
  if (report.state === 'absent') return { reason: 'ContainerGone', message: `agent ${pod} does not have it any more` };
  if (!isLost(sandbox, agent)) return undefined;
  const seconds = Math.floor(agent.silentMs / 1000);
  return {
    reason: 'AgentLost',
    message: `agent ${pod} has been out of reach for ${seconds} s and its Pod is not ready`,
  };
}
