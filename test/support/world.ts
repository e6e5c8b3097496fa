import { type AgentStatus } from '@fsb/agent-api/agent-api';
import { type AgentClient } from '@fsb/agent-api/agent-client';
import { AGENT_APP, AGENT_APP_LABEL } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';
import { type ContainerRecord, type SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { EVENT_KIND, type KubeEvent, type Pod, POD_KIND, SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type MachineStack } from './machine-stack';
import { type MachineState, readMachine } from './machine-state';

export interface AgentReport {
  readonly pod: string;
  readonly podUid: string;
  /** undefined: the agent does not answer */
  readonly status: AgentStatus | undefined;
}

/** The full state of the installation, read from each source directly, with no service in between. */
export interface World {
  readonly objects: readonly Sandbox[];
  readonly pods: readonly Pod[];
  readonly events: readonly KubeEvent[];
  readonly agents: readonly AgentReport[];
  readonly containers: readonly ContainerRecord[];
  readonly machine: MachineState;
}

export interface Readers {
  readonly stack: MachineStack;
  /** client as admin, bypassing the proxy */
  readonly client: KubeClient;
  readonly agents: AgentClient;
  readonly runtime: SandboxRuntime;
}

export async function readWorld({ stack, client, agents, runtime }: Readers): Promise<World> {
  const [objects, pods, events, containers, machine] = await Promise.all([
    client.list(SANDBOX_KIND),
    agentPods(client),
    client.list(EVENT_KIND),
    runtime.list(''),
    readMachine(stack),
  ]);
  const reports = await Promise.all(pods.map((pod) => report(agents, pod)));
  return { objects: objects.items, pods, events: events.items, agents: reports, containers, machine };
}

export async function agentPods(client: KubeClient): Promise<Pod[]> {
  return (await client.list(POD_KIND, { labelSelector: `${AGENT_APP_LABEL}=${AGENT_APP}` })).items;
}

export async function report(agents: AgentClient, { metadata, status }: Pod): Promise<AgentReport> {
  const { name = '', uid = '' } = metadata;
  const answer = status?.podIP
    ? await agents.status({ address: status.podIP, podUid: uid }).catch(() => undefined)
    : undefined;
  return { pod: name, podUid: uid, status: answer };
}
