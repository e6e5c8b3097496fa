import {
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  InterceptingCall,
  type Interceptor,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { ContainersClient } from './gen/containerd/containers';
import { ContentClient } from './gen/containerd/content';
import { DiffClient } from './gen/containerd/diff';
import { EventsClient } from './gen/containerd/events';
import { ImagesClient } from './gen/containerd/images';
import { LeasesClient } from './gen/containerd/leases';
import { SnapshotsClient } from './gen/containerd/snapshots';
import { TasksClient } from './gen/containerd/tasks';
import { VersionClient } from './gen/containerd/version';
import { ImageServiceClient, RuntimeServiceClient } from './gen/cri/runtime';
import { toApiError } from './runtime-errors';

export interface CallSettings {
  readonly signal?: AbortSignal | undefined;
  /** default 10,000 */
  readonly deadlineMs?: number;
  /** id of a containerd lease, a GC root of what the call creates */
  readonly lease?: string | undefined;
}

type Callback<R> = (error: ServiceError | null, response: R) => void;
type UnaryMethod<Q, R> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: Callback<R>,
) => ClientUnaryCall;

/** The unary methods of a generated client as promises. Inference takes the last overload, which has all parameters. */
type Promised<C> = {
  readonly [K in keyof C as C[K] extends AnyUnaryMethod ? K : never]: C[K] extends UnaryMethod<infer Q, infer R>
    ? (request: Q, settings?: CallSettings) => Promise<R>
    : never;
};
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a filter on shape: any request, any response
type AnyUnaryMethod = UnaryMethod<any, any>;

const DEFAULT_DEADLINE_MS = 10_000;

/**
 * The services of containerd and of its CRI plugin on one unix socket, in one containerd namespace, over one HTTP/2
 * connection.
 * @example await client.images.get({ name: 'docker.io/library/alpine:latest' }, { signal })
 */
export class ContainerdClient {
  readonly containers: Promised<ContainersClient>;
  readonly content: Promised<ContentClient>;
  readonly diff: Promised<DiffClient>;
  /** streams */
  readonly events: EventsClient;
  readonly publisher: Promised<EventsClient>;
  readonly contentStreams: ContentClient;
  private readonly root: ContainersClient;
  readonly images: Promised<ImagesClient>;
  readonly leases: Promised<LeasesClient>;
  readonly snapshots: Promised<SnapshotsClient>;
  readonly snapshotStreams: SnapshotsClient;
  readonly tasks: Promised<TasksClient>;
  readonly versions: Promised<VersionClient>;
  readonly criImages: Promised<ImageServiceClient>;
  readonly criRuntime: Promised<RuntimeServiceClient>;

  constructor(
    readonly socket: string,
    readonly namespace = 'k8s.io',
  ) {
    const target = `unix://${socket}`;
    const insecure = credentials.createInsecure(); // a unix socket: the file's mode guards it
    const options = {
      interceptors: [inNamespace(namespace)],
      'grpc.max_receive_message_length': 64 * 1024 * 1024,
      // containerd restarts within a second; grpc-js would back off for up to two minutes
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
    };
    this.root = new ContainersClient(target, insecure, options);
    const shared = { ...options, channelOverride: this.root.getChannel() };
    this.containers = promised(this.root);
    this.contentStreams = new ContentClient(target, insecure, shared);
    this.content = promised(this.contentStreams);
    this.diff = promised(new DiffClient(target, insecure, shared));
    this.events = new EventsClient(target, insecure, shared);
    this.publisher = promised(this.events);
    this.images = promised(new ImagesClient(target, insecure, shared));
    this.leases = promised(new LeasesClient(target, insecure, shared));
    this.snapshotStreams = new SnapshotsClient(target, insecure, shared);
    this.snapshots = promised(this.snapshotStreams);
    this.tasks = promised(new TasksClient(target, insecure, shared));
    this.versions = promised(new VersionClient(target, insecure, shared));
    this.criImages = promised(new ImageServiceClient(target, insecure, shared));
    this.criRuntime = promised(new RuntimeServiceClient(target, insecure, shared));
  }

  /**
   * The messages of a server stream. The call is cancelled when the reader leaves or `signal` aborts; an abort ends the
   * stream without an error.
   * @throws ApiError with containerd's status
   */
  async *stream<R>(start: () => ClientReadableStream<R>, signal?: AbortSignal): AsyncGenerator<R> {
    const call = start();
    const cancel = (): void => {
      call.cancel();
    };
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
    try {
      for await (const message of call) yield message as R; // grpc-js types a readable's chunks as any
    } catch (error) {
      if (!signal?.aborted) throw toApiError(error as ServiceError); // grpc-js ends a stream with no other error
    } finally {
      signal?.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  version(signal?: AbortSignal): Promise<{ version: string; revision: string }> {
    return this.versions.version({}, { signal, deadlineMs: 3000 });
  }

  close(): void {
    this.root.close(); // the others share its channel
  }
}

/** Wraps a generated client. @throws ApiError from each method, with containerd's status in our vocabulary */
function promised<C extends object>(client: C): Promised<C> {
  const method = (target: C, name: string | symbol): unknown => {
    const rpc = Reflect.get(target, name) as UnaryMethod<unknown, unknown>;
    return (request: unknown, settings?: CallSettings) => invoke(rpc.bind(target), request, settings);
  };
  return new Proxy(client, { get: method }) as unknown as Promised<C>; // the proxy has exactly those methods
}

function invoke<Q, R>(
  rpc: UnaryMethod<Q, R>,
  request: Q,
  { signal, deadlineMs = DEFAULT_DEADLINE_MS, lease }: CallSettings = {},
): Promise<R> {
  const metadata = new Metadata();
  if (lease !== undefined) metadata.set('containerd-lease', lease);
  return new Promise<R>((resolve, reject) => {
    const cancel = (): void => {
      call.cancel();
    };
    const call = rpc(request, metadata, { deadline: Date.now() + deadlineMs }, (error, response) => {
      signal?.removeEventListener('abort', cancel);
      if (error) reject(toApiError(error));
      else resolve(response);
    });
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  });
}

function inNamespace(namespace: string): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        metadata.set('containerd-namespace', namespace);
        next(metadata, listener);
      },
    });
}
