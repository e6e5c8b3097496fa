import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerdClient } from './containerd-client';
import { type Envelope } from './gen/containerd/events';
import { TaskExit, TaskOOM } from './gen/containerd/task_events';

export type RuntimeEvent =
  /** emitted once: all later events are reported, earlier ones may be missing */
  | { readonly kind: 'subscribed' }
  | { readonly kind: 'exit'; readonly containerId: string; readonly exitStatus: number; readonly exitedAt: Date }
  | { readonly kind: 'oom'; readonly containerId: string }
  /** an image was added or removed, or its name moved */
  | { readonly kind: 'images' };

const IMAGE_TOPICS = ['/images/create', '/images/update', '/images/delete'];
const TOPICS = ['/tasks/exit', '/tasks/oom', ...IMAGE_TOPICS];

/** Interval of the probes of a subscription. */
const PROBE_MS = 50;

/**
 * Events of this client's containerd namespace. The caller must list after `subscribed`. The stream ends with
 * containerd; the caller then subscribes and lists again. containerd does not signal the start of a subscription, so
 * probe events are published until one comes back.
 * @throws ApiError when containerd ends the stream or refuses a probe
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
      if (isProbe && subscribed.signal.aborted) continue; // in flight when the first probe came back
      if (isProbe) subscribed.abort();
      const event = isProbe ? SUBSCRIBED : decode(envelope);
      if (event) yield event;
    }
    leave.abort(); // otherwise a probe in flight delays the end by its whole deadline
    await probing;
  } finally {
    leave.abort();
  }
}

const SUBSCRIBED = { kind: 'subscribed' } as const;

/** Publishes probes until `signal` aborts. @throws ApiError if containerd refuses one */
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
  if (exit.id !== exit.containerId) return undefined; // an exec, not the container's first process
  return {
    kind: 'exit',
    containerId: exit.containerId,
    exitStatus: exit.exitStatus,
    exitedAt: exit.exitedAt ?? new Date(),
  };
}
