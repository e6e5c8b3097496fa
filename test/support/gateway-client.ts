import {
  type CallOptions,
  type ChannelCredentials,
  type ClientReadableStream,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
  type StatusObject,
  status as Code,
} from '@grpc/grpc-js';
import { type Stage } from '@fsb/agent-api/agent-api';
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
import {
  type RunSandboxResponse,
  SandboxLogServiceClient,
  type StreamLogsRequest,
  type StreamLogsResponse,
} from '@fsb/api/gen/fastpath/v1/logs';

export interface Reply<A> {
  /** name of the gRPC status code */
  readonly code: string;
  readonly message: string;
  readonly answer: A | undefined;
  /** stages of a create, with their times; empty for other calls */
  readonly stages: readonly Stage[];
}

/** A method of a generated client. */
export type Unary<Q, A> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, answer?: A) => void,
) => ClientUnaryCall;

/** A client of one gateway. Failed calls resolve with their status code; they do not throw. */
export class GatewayClient {
  private readonly client: FastPathServiceClient;
  private readonly streams: SandboxLogServiceClient;

  constructor(
    readonly index: number,
    endpoint: string,
    credentials: ChannelCredentials,
  ) {
    // tests restart gateways within a second
    const options = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1000 };
    this.client = new FastPathServiceClient(endpoint, credentials, options);
    this.streams = new SandboxLogServiceClient(endpoint, credentials, options);
  }

  /** @param leave signal that cancels the call */
  create(request: CreateRequest, deadlineMs: number, leave?: AbortSignal): Promise<Reply<CreateResponse>> {
    const method = this.client.createSandbox.bind(this.client);
    return call<CreateRequest, CreateResponse>(method, request, deadlineMs, leave);
  }

  get(request: GetRequest, deadlineMs: number): Promise<Reply<SandboxInfo>> {
    return call<GetRequest, SandboxInfo>(this.client.getSandbox.bind(this.client), request, deadlineMs);
  }

  list(request: ListRequest, deadlineMs: number): Promise<Reply<ListResponse>> {
    return call<ListRequest, ListResponse>(this.client.listSandboxes.bind(this.client), request, deadlineMs);
  }

  delete(request: DeleteRequest, deadlineMs: number): Promise<Reply<DeleteResponse>> {
    return call<DeleteRequest, DeleteResponse>(this.client.deleteSandbox.bind(this.client), request, deadlineMs);
  }

  update(request: UpdateRequest, deadlineMs: number): Promise<Reply<UpdateResponse>> {
    return call<UpdateRequest, UpdateResponse>(this.client.updateSandbox.bind(this.client), request, deadlineMs);
  }

  /** Stream of RunSandbox; the caller must handle its `error` event. */
  run(request: CreateRequest, deadlineMs: number): ClientReadableStream<RunSandboxResponse> {
    return this.streams.runSandbox({ sandbox: request }, new Metadata(), { deadline: Date.now() + deadlineMs });
  }

  /** Stream of StreamLogs; the caller must handle its `error` event. */
  logs(request: StreamLogsRequest, deadlineMs: number): ClientReadableStream<StreamLogsResponse> {
    return this.streams.streamLogs(request, new Metadata(), { deadline: Date.now() + deadlineMs });
  }

  /**
   * Creates a sandbox and follows its output. @returns the first chunk @throws Error when the call ends before any
   * output
   */
  firstOutput(request: CreateRequest, deadlineMs: number): Promise<Buffer> {
    const call = this.run(request, deadlineMs);
    return new Promise<Buffer>((resolve, reject) => {
      call.on('data', ({ data }: RunSandboxResponse) => {
        if (data.length === 0) return;
        resolve(data);
        call.cancel();
      });
      call.on('error', reject); // after the first chunk it is our own cancel
      call.on('end', () => {
        reject(new Error(`${request.name} ended without a word`));
      });
    });
  }

  close(): void {
    this.client.close();
    this.streams.close();
  }
}

function call<Q, A>(method: Unary<Q, A>, request: Q, deadlineMs: number, leave?: AbortSignal): Promise<Reply<A>> {
  return new Promise((done) => {
    let answer: A | undefined;
    const options = { deadline: Date.now() + deadlineMs };
    const rpc = method(request, new Metadata(), options, (_error, value) => (answer = value));
    const cancel = (): void => rpc.cancel();
    leave?.addEventListener('abort', cancel);
    // the status follows the answer and carries the trailers
    rpc.on('status', ({ code, details, metadata }: StatusObject) => {
      leave?.removeEventListener('abort', cancel);
      done({ code: Code[code], message: details === 'OK' ? '' : details, answer, stages: stagesOf(metadata) });
    });
  });
}

function stagesOf(trailers: Metadata): readonly Stage[] {
  const [text] = trailers.get('fastpath-stages');
  return text === undefined ? [] : (JSON.parse(text.toString()) as Stage[]); // the gateway's own words
}
