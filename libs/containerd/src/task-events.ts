import { type ContainerdClient } from './containerd-client';
import { type Envelope } from './gen/containerd/events';
import { TaskExit, TaskOOM } from './gen/containerd/task_events';

export type RuntimeEvent =
  | { readonly kind: 'exit'; readonly containerId: string; readonly exitStatus: number; readonly exitedAt: Date }
  | { readonly kind: 'oom'; readonly containerId: string };

/** Exits and OOM kills of this client's containerd namespace, from now on. Ends when containerd does: the caller lists anew. */
export async function* taskEvents(client: ContainerdClient, signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
  const filters = ['/tasks/exit', '/tasks/oom'].map((topic) => `namespace=="${client.namespace}",topic=="${topic}"`);
  for await (const envelope of client.stream(() => client.events.subscribe({ filters }), signal)) {
    const event = decode(envelope);
    if (event) yield event;
  }
}

function decode({ topic, event }: Envelope): RuntimeEvent | undefined {
  if (!event) return undefined;
  if (topic === '/tasks/oom') return { kind: 'oom', containerId: TaskOOM.decode(event.value).containerId };
  const exit = TaskExit.decode(event.value);
  if (exit.id !== exit.containerId) return undefined; // an exec of the container, not its first process
  return {
    kind: 'exit',
    containerId: exit.containerId,
    exitStatus: exit.exitStatus,
    exitedAt: exit.exitedAt ?? new Date(),
  };
}
