import {
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import {
  type CreateRequest,
  type CreateResponse,
  type DeleteRequest,
  type DeleteResponse,
  FastPathServiceClient,
  type GetRequest,
  type ListRequest,
  type ListResponse,
  type SandboxInfo,
  type UpdateRequest,
  type UpdateResponse,
} from '@fsb/api/gen/fastpath/v1/fastpath';
import { ImageServiceClient, type ListImagesRequest, type ListImagesResponse } from '@fsb/api/gen/fastpath/v1/images';
import {
  type RunSandboxResponse,
  SandboxLogServiceClient,
  type StreamLogsRequest,
  type StreamLogsResponse,
} from '@fsb/api/gen/fastpath/v1/logs';
import { callFailure } from './call-failure';
import { CommandError } from './command-error';
import { gatewayCredentials } from './gateway-credentials';
import type { ConnectionSettings } from './settings';

type Unary<Q, A> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, answer?: A) => void,
) => ClientUnaryCall;

interface Answer<A> {
  readonly answer: A;
  readonly trailers: Metadata;
}

const CREATE_MS = 30_000;
const OTHER_MS = 10_000;
/** Endpoints on this machine: the proxy of the environment is not used for them, as in Go's clients. */
const THIS_MACHINE = /^(localhost|127\.[\d.]+|\[::1\]):/;

/** Client of the gateway. Every call has a time limit or keepalive, every failure is a CommandError of one line. */
export class Gateway {
  private readonly sandboxes: FastPathServiceClient;
  private readonly streams: SandboxLogServiceClient;
  private readonly imageService: ImageServiceClient;

  constructor(private readonly settings: ConnectionSettings) {
    const { endpoint, security } = settings;
    const credentials = gatewayCredentials(security);
    const options = {
      'grpc.enable_http_proxy': THIS_MACHINE.test(endpoint) ? 0 : 1,
      // a log may be silent for hours: keepalive finds out that the gateway is gone
      'grpc.keepalive_time_ms': 20_000,
      'grpc.keepalive_timeout_ms': 10_000,
    };
    this.sandboxes = new FastPathServiceClient(endpoint, credentials, options);
    this.streams = new SandboxLogServiceClient(endpoint, credentials, options);
    this.imageService = new ImageServiceClient(endpoint, credentials, options);
  }

  create(request: CreateRequest): Promise<Answer<CreateResponse>> {
    return this.call(
      this.sandboxes.createSandbox.bind(this.sandboxes),
      request,
      CREATE_MS + request.waitSeconds * 1_000,
    );
  }

  async delete(request: DeleteRequest): Promise<DeleteResponse> {
    return (await this.call(this.sandboxes.deleteSandbox.bind(this.sandboxes), request)).answer;
  }

  async update(request: UpdateRequest): Promise<UpdateResponse> {
    return (await this.call(this.sandboxes.updateSandbox.bind(this.sandboxes), request)).answer;
  }

  get(request: GetRequest): Promise<Answer<SandboxInfo>> {
    return this.call(this.sandboxes.getSandbox.bind(this.sandboxes), request);
  }

  /**
   * @returns the gateway's NOT_FOUND message; undefined when the sandbox exists
   * @throws CommandError on any other failure
   */
  async notFoundMessage(request: GetRequest): Promise<string | undefined> {
    try {
      await this.get(request);
      return undefined;
    } catch (error) {
      if (error instanceof CommandError && error.isNotFound) return error.message;
      throw error;
    }
  }

  async list(request: ListRequest): Promise<ListResponse> {
    return (await this.call(this.sandboxes.listSandboxes.bind(this.sandboxes), request)).answer;
  }

  async images(request: ListImagesRequest): Promise<ListImagesResponse> {
    return (await this.call(this.imageService.listImages.bind(this.imageService), request)).answer;
  }

  /** Log of a sandbox, with backpressure up to the gateway. Without `follow` each message has a time limit. */
  logs(request: StreamLogsRequest): AsyncGenerator<StreamLogsResponse> {
    const limitMs = this.settings.timeoutMs ?? OTHER_MS;
    return this.read(this.streams.streamLogs(request), () => (request.follow ? undefined : limitMs));
  }

  /** Creates a sandbox and streams its log until it ends. Only the create, the first message, has a time limit. */
  run(request: CreateRequest): AsyncGenerator<RunSandboxResponse> {
    const limitMs = this.settings.timeoutMs ?? CREATE_MS + request.waitSeconds * 1_000;
    return this.read<RunSandboxResponse>(this.streams.runSandbox({ sandbox: request }), (isFirst) =>
      isFirst ? limitMs : undefined,
    );
  }

  close(): void {
    this.sandboxes.close();
    this.streams.close();
    this.imageService.close();
  }

  /** @param limitOf time limit of the next message, milliseconds; undefined: none */
  private async *read<M>(
    stream: ClientReadableStream<M>,
    limitOf: (isFirst: boolean) => number | undefined,
  ): AsyncGenerator<M> {
    const messages = stream[Symbol.asyncIterator]() as AsyncIterator<M>; // Readable declares any
    let reachedMs: number | undefined;
    try {
      for (let isFirst = true; ; isFirst = false) {
        const limitMs = limitOf(isFirst);
        const timer =
          limitMs === undefined
            ? undefined
            : setTimeout(() => {
                reachedMs = limitMs;
                stream.cancel();
              }, limitMs);
        const next = await messages.next().finally(() => {
          clearTimeout(timer);
        });
        if (next.done) return;
        yield next.value;
      }
    } catch (error) {
      throw callFailure(error, this.settings, reachedMs);
    } finally {
      stream.cancel();
    }
  }

  private call<Q, A>(method: Unary<Q, A>, request: Q, defaultMs = OTHER_MS): Promise<Answer<A>> {
    const limitMs = this.settings.timeoutMs ?? defaultMs;
    return new Promise((done, fail) => {
      let answer: A | undefined;
      const call = method(request, new Metadata(), { deadline: Date.now() + limitMs }, (error, value) => {
        if (error) fail(callFailure(error, this.settings, limitMs));
        answer = value;
      });
      // emitted after the answer, with the trailers
      call.on('status', ({ metadata }: StatusObject) => {
        if (answer !== undefined) done({ answer, trailers: metadata });
      });
    });
  }
}

/** Runs `action` with a Gateway and closes it afterwards in any case: an open channel keeps the process alive. */
export async function withGateway<T>(
  settings: ConnectionSettings,
  action: (gateway: Gateway) => Promise<T>,
): Promise<T> {
  const gateway = new Gateway(settings);
  try {
    return await action(gateway);
  } finally {
    gateway.close();
  }
}
