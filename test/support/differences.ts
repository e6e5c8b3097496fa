import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { ContainerLabels } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';
import { networkNamespaceName } from '@fsb/node/machine-names';
import { lastSandboxId, previousSandboxId } from '@fsb/api/sandbox-id';
import { isWaiting } from './waiting-containers';
import { type World } from './world';

/** Disagreements between containerd, the agents, the API and the node's own lists. Empty: all agree. Pure. */
export function differences(world: World, installation: string): string[] {
  const { machine } = world;
  const waiting = world.containers.filter(isWaiting).map(({ id }) => id);
  const containers = world.containers.filter((container) => !isWaiting(container));
  const reports = new Map(
    world.agents.flatMap(({ status }) => status?.sandboxStatuses ?? []).map((status) => [status.sandboxId, status]),
  );
  const ids = containers.map(({ id, labels }) => labels[ContainerLabels.id] ?? id);
  const running = [...reports.values()].filter(({ phase }) => phase === 'running').map(({ sandboxId }) => sandboxId);
  const containerOf = new Map(containers.map(({ id, labels }) => [labels[ContainerLabels.id] ?? id, id]));
  const holding = [...running.map((id) => containerOf.get(id) ?? id), ...waiting];
  const objects = objectIds(world);
  const same = (what: string, found: readonly string[], wanted: readonly string[]): string[] =>
    compare(what, found, wanted, (id) => about(id, world, reports.get(id)));
  return [
    ...world.agents.flatMap(({ pod, status }) => (status ? capacity(pod, status) : [`agent ${pod} does not answer`])),
    ...same('containers of containerd / sandboxes of agents', ids, [...reports.keys()]),
    ...same('sandboxes of agents / ids in Sandbox objects', [...reports.keys()], objects),
    ...same('tasks of containerd / running sandboxes of agents', tasks(containers), running),
    ...same('snapshots / running containers', machine.snapshots, holding),
    ...same('cgroups / running containers', machine.cgroups, holding),
    ...same('logs / containers', withoutKept(machine.logs, ids, world), [...ids, ...waiting]),
    ...same('folders / containers', machine.folders, [...ids, ...waiting]),
    ...machine.leases.map((lease) => `lease ${lease} is left in containerd`),
    ...shims(machine.shims, holding),
    ...same('network namespaces / agent Pods', machine.networkNamespaces, namespaces(world, installation)),
    ...same('addresses given / agent Pods', machine.addresses, podAddresses(world)),
    ...same("node's records / agent Pods", machine.podUids, podUids(world)),
  ];
}

function compare(
  what: string,
  found: readonly string[],
  wanted: readonly string[],
  explain: (id: string) => string,
): string[] {
  const [left, right] = [new Set(found), new Set(wanted)];
  const doubles = found.filter((id, index) => found.indexOf(id) !== index);
  return [
    ...found.filter((id) => !right.has(id)).map((id) => `${what}: ${id} only on the left${explain(id)}`),
    ...wanted.filter((id) => !left.has(id)).map((id) => `${what}: ${id} only on the right${explain(id)}`),
    ...doubles.map((id) => `${what}: ${id} is there twice`),
  ];
}

/** Log ids without the kept logs: those of an object's last two containers may stay as long as the object does. */
function withoutKept(logs: readonly string[], containers: readonly string[], { objects }: World): string[] {
  const kept = new Set(objects.flatMap((object) => [lastSandboxId(object), previousSandboxId(object) ?? '']));
  for (const id of containers) kept.delete(id);
  return logs.filter((id) => !kept.has(id));
}

/**
 * Current ids of the objects whose container must exist. A Lost sandbox has none, nor has one that ended before its
 * agent went.
 */
function objectIds({ objects, pods }: World): string[] {
  const agents = new Set(pods.map(({ metadata }) => metadata.name));
  return objects.flatMap(({ status }) => {
    const { sandboxID, phase = '', assignedPod } = status ?? {};
    if (!sandboxID || phase === 'Lost' || phase === 'Pending') return [];
    return (phase === 'Failed' || phase === 'Succeeded') && !agents.has(assignedPod) ? [] : sandboxID;
  });
}

function tasks(containers: World['containers']): string[] {
  return containers.flatMap(({ id, labels, task }) => (task ? (labels[ContainerLabels.id] ?? id) : []));
}

function namespaces({ pods }: World, installation: string): string[] {
  return pods.map(({ metadata }) => networkNamespaceName(installation, metadata.uid ?? ''));
}

function podAddresses({ pods }: World): string[] {
  return pods.flatMap(({ status }) => status?.podIP ?? []);
}

function podUids({ pods }: World): string[] {
  return pods.map(({ metadata }) => metadata.uid ?? '');
}

/** One shim may serve several containers, but never zero. */
function shims(found: readonly string[], running: readonly string[]): string[] {
  if (running.length > 0 && found.length === 0) return ['sandboxes run without a shim'];
  return found.length > running.length ? [`${found.length} shims for ${running.length} running sandboxes`] : [];
}

/** Checks an agent's sandboxes against its capacity and ports, independently of its own counters. */
export function capacity(pod: string, status: NonNullable<World['agents'][number]['status']>): string[] {
  const holding = status.sandboxStatuses.filter(({ phase }) => HOLDING.has(phase));
  const ports = holding.flatMap((sandbox) => sandbox.ports ?? []);
  const doubles = ports.filter((port, index) => ports.indexOf(port) !== index);
  return [
    ...(holding.length > status.capacity ? [`agent ${pod} has ${holding.length} of ${status.capacity}`] : []),
    ...(status.allocated > status.capacity ? [`agent ${pod} counts ${status.allocated} of ${status.capacity}`] : []),
    ...doubles.map((port) => `agent ${pod} has given port ${port} twice`),
  ];
}

/** Phases that hold a slot. A terminating sandbox may have ended already; containerd says which tasks really run. */
const HOLDING: ReadonlySet<string> = new Set(['creating', 'running']);

/** Everything known about a sandbox, as the explanation of a difference. */
function about(id: string, world: World, report: AgentSandboxStatus | undefined): string {
  const container = world.containers.find(({ id: own, labels }) => (labels[ContainerLabels.id] ?? own) === id);
  const name = report?.claimName ?? container?.labels[ContainerLabels.sandboxName];
  const parts = [
    ...(name === undefined ? [] : [`name ${name}`]),
    ...(report ? [`agent says ${report.phase}${report.claimUid === '' ? ', unbound' : ''}`] : []),
    ...(container ? [`containerd has it, task ${container.task?.status ?? 'none'}`] : []),
    ...world.objects
      .filter(({ metadata, status }) => status?.sandboxID === id || metadata.name === name)
      .map((object) => objectInWords(object)),
    ...world.events.filter(({ message }) => message.includes(id)).map((event) => `${event.reason}: ${event.message}`),
  ];
  return parts.length > 0 ? ` (${parts.join('; ')})` : '';
}

function objectInWords({ metadata, status }: Sandbox): string {
  const leaving = metadata.deletionTimestamp === undefined ? '' : ', being deleted';
  return `object is ${status?.phase ?? 'without a phase'} with id ${status?.sandboxID ?? 'none'}${leaving}`;
}
