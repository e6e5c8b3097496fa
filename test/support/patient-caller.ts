import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CallOptions, type ChannelCredentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  CreateRequest,
  type CreateResponse,
  DeleteRequest,
  type DeleteResponse,
  FastPathServiceClient,
  GetRequest,
  type SandboxInfo,
} from '@fsb/api/gen/fastpath/v1/fastpath';

const CALL_MS = 10_000;
const TRIES = 60;
const PAUSE_MS = 250;
/** Codes that the contract tells callers to retry. */
const RETRYABLE = new Set([status.UNAVAILABLE, status.RESOURCE_EXHAUSTED, status.DEADLINE_EXCEEDED, status.ABORTED]);

type Callback<A> = (error: ServiceError | null, answer: A) => void;

export interface Acknowledged {
  readonly name: string;
  readonly id: string;
}

/**
 * A caller that follows the contract: it spreads calls over the gateways, retries with the same request id and trusts
 * an answer.
 */
export class PatientCaller {
  private readonly clients: readonly FastPathServiceClient[];
  private turn = 0;

  /** @param tries attempts of each call; 1: every refusal is an error */
  constructor(
    endpoints: readonly string[],
    credentials: ChannelCredentials,
    private readonly tries = TRIES,
  ) {
    const options = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 500 };
    this.clients = endpoints.map((endpoint) => new FastPathServiceClient(endpoint, credentials, options));
  }

  close(): void {
    for (const client of this.clients) client.close();
  }

  async create(name: string, request: Partial<CreateRequest> = {}): Promise<Acknowledged> {
    const whole = CreateRequest.fromPartial({
      ...{ image: 'busybox', poolRef: 'pool', command: ['/bin/sleep', '1000'], name, requestId: randomUUID() },
      ...request,
    });
    const { sandboxId } = await this.repeatedly<CreateResponse>((client, options, done) =>
      client.createSandbox(whole, new Metadata(), options, done),
    );
    return { name, id: sandboxId };
  }

  async delete(sandboxName: string): Promise<void> {
    const request = DeleteRequest.fromPartial({ sandboxName });
    await this.repeatedly<DeleteResponse>((client, options, done) =>
      client.deleteSandbox(request, new Metadata(), options, done),
    );
  }

  get(sandboxName: string): Promise<SandboxInfo> {
    const request = GetRequest.fromPartial({ sandboxName });
    return this.repeatedly((client, options, done) => client.getSandbox(request, new Metadata(), options, done));
  }

  private async repeatedly<A>(
    call: (client: FastPathServiceClient, options: CallOptions, done: Callback<A>) => void,
  ): Promise<A> {
    for (let tries = 1; ; tries++) {
      this.turn = (this.turn + 1) % this.clients.length;
      const client = this.clients[this.turn]!;
      try {
        return await new Promise<A>((resolve, reject) => {
          call(client, { deadline: Date.now() + CALL_MS }, (error, answer) => {
            if (error) reject(error);
            else resolve(answer);
          });
        });
      } catch (error) {
        if (tries >= this.tries || !RETRYABLE.has((error as ServiceError).code)) throw error;
      }
      await sleep(PAUSE_MS);
    }
  }
}
