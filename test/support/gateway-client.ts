import {
  type CallOptions,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
  status as Code,
} from '@grpc/grpc-js';
import {
  type CreateRequest,
  type CreateResponse,
  type DeleteRequest,
  type DeleteResponse,
  FastPathServiceClient,
  type UpdateRequest,
  type UpdateResponse,
} from '@fsb/api/gen/fastpath/v1/fastpath';

export interface Reply<A> {
  /** gRPC's status by name */
  readonly code: string;
  readonly message: string;
  readonly answer: A | undefined;
}

type Unary<Q, A> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, answer?: A) => void,
) => ClientUnaryCall;

/** One gateway as its callers see it; every outcome is a value. */
export class GatewayClient {
  private readonly client: FastPathServiceClient;

  constructor(
    readonly index: number,
    endpoint: string,
  ) {
    this.client = new FastPathServiceClient(endpoint, credentials.createInsecure(), {
      // gateways come back within a second here
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
    });
  }

  create(request: CreateRequest, deadlineMs: number): Promise<Reply<CreateResponse>> {
    return call<CreateRequest, CreateResponse>(this.client.createSandbox.bind(this.client), request, deadlineMs);
  }

  delete(request: DeleteRequest, deadlineMs: number): Promise<Reply<DeleteResponse>> {
    return call<DeleteRequest, DeleteResponse>(this.client.deleteSandbox.bind(this.client), request, deadlineMs);
  }

  update(request: UpdateRequest, deadlineMs: number): Promise<Reply<UpdateResponse>> {
    return call<UpdateRequest, UpdateResponse>(this.client.updateSandbox.bind(this.client), request, deadlineMs);
  }

  close(): void {
    this.client.close();
  }
}

function call<Q, A>(method: Unary<Q, A>, request: Q, deadlineMs: number): Promise<Reply<A>> {
  return new Promise((done) => {
    method(request, new Metadata(), { deadline: Date.now() + deadlineMs }, (error, answer) => {
      if (error) done({ code: Code[error.code], message: error.details, answer: undefined });
      else done({ code: 'OK', message: '', answer });
    });
  });
}
