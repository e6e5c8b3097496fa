import { type Sandbox } from '@fsb/api/sandbox';
import { type Step } from './action';
import { isLost } from './container-end';
import { followReport } from './container-report';
import { planSilence } from './silence';
import { StatusOf, type Why } from './status';
import { type World } from './world';

/** A sandbox that its object, or its fast path, has called running. */
export function planRunning(sandbox: Sandbox, world: World): Step {
  const { agent, report } = world;
  if (agent && report.state === 'known') return followReport(sandbox, agent, report.sandbox, world);
  const why = whyLost(sandbox, world);
  if (why) return { status: new StatusOf(sandbox, world.now).lost(why) };
  return agent ? planSilence(sandbox, agent, world.now) : {};
}

/** @returns undefined where it may still run: nobody is asked, or nobody answers. */
export function whyLost(sandbox: Sandbox, { agent, report }: World): Why | undefined {
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
