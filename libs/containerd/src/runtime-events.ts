import { type ContainerdClient } from './containerd-client';
import { type Envelope } from './gen/containerd/events';
import { TaskExit, TaskOOM } from './gen/containerd/task_events';

export type RuntimeEvent =
  | { readonly kind: 'exit'; readonly containerId: string; readonly exitStatus: number; readonly exitedAt: Date }
  | { readonly kind: 'oom'; readonly containerId: string }
  /** an image came, went, or its name means another one now */
  | { readonly kind: 'images' };

const IMAGE_TOPICS = ['/images/create', '/images/update', '/images/delete'];
const TOPICS = ['/tasks/exit', '/tasks/oom', ...IMAGE_TOPICS];

/** What happens in this client's containerd namespace, from now on. Ends when containerd does: the caller lists anew. */
export async function* runtimeEvents(client: ContainerdClient, signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
  const filters = TOPICS.map((topic) => `namespace=="${client.namespace}",topic=="${topic}"`);
  for await (const envelope of client.stream(() => client.events.subscribe({ filters }), signal)) {
    const event = decode(envelope);
    if (event) yield event;
  }
}

function decode({ topic, event }: Envelope): RuntimeEvent | undefined {
  if (IMAGE_TOPICS.includes(topic)) return { kind: 'images' };
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
