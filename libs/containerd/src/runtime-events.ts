import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerdClient } from './containerd-client';
import { type Envelope } from './gen/containerd/events';
import { TaskExit, TaskOOM } from './gen/containerd/task_events';

export type RuntimeEvent =
  /** Comes once: whatever happens from now on is reported. What happened before may not have been. */
  | { readonly kind: 'subscribed' }
  | { readonly kind: 'exit'; readonly containerId: string; readonly exitStatus: number; readonly exitedAt: Date }
  | { readonly kind: 'oom'; readonly containerId: string }
  /** an image came, went, or its name means another one now */
  | { readonly kind: 'images' };

const IMAGE_TOPICS = ['/images/create', '/images/update', '/images/delete'];
const TOPICS = ['/tasks/exit', '/tasks/oom', ...IMAGE_TOPICS];

/** Between two probes of a subscription. */
const PROBE_MS = 50;

/**
 * What happens in this client's containerd namespace, from now on. Ends when containerd does: the caller lists anew, and does
 * so after `subscribed`. containerd does not say when a subscription has begun: an event of our own that comes back does.
 */
export async function* runtimeEvents(client: ContainerdClient, signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
  const probe = `/fast-sandbox/probe/${randomUUID()}`;
  const filters = [...TOPICS, probe].map((topic) => `namespace=="${client.namespace}",topic=="${topic}"`);
  const subscribed = new AbortController();
  const leave = new AbortController();
  const events = client.stream(() => client.events.subscribe({ filters }), AbortSignal.any([signal, leave.signal]));
  const probing = publishUntil(client, probe, AbortSignal.any([signal, leave.signal, subscribed.signal]));
  probing.catch((error: unknown) => {
    leave.abort(error);
  });
  try {
    for await (const envelope of events) {
      const isProbe = envelope.topic === probe;
      if (isProbe && subscribed.signal.aborted) continue; // one that was on its way when the first came back
      if (isProbe) subscribed.abort();
      const event = isProbe ? SUBSCRIBED : decode(envelope);
      if (event) yield event;
    }
    leave.abort(); // a probe that is under way would hold up the end for its whole deadline
    await probing;
  } finally {
    leave.abort();
  }
}

const SUBSCRIBED = { kind: 'subscribed' } as const;

/** @throws ApiError where containerd does not take it */
async function publishUntil(client: ContainerdClient, topic: string, signal: AbortSignal): Promise<void> {
  const event = { typeUrl: 'fast-sandbox.io/probe', value: Buffer.alloc(0) };
  while (!signal.aborted) {
    await client.publisher.publish({ topic, event }, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    await sleep(PROBE_MS, undefined, { signal }).catch(() => undefined);
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
