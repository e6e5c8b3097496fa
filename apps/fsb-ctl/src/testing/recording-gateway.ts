import { Metadata, type sendUnaryData, Server, ServerCredentials, status } from '@grpc/grpc-js';
import {
  CreateRequest,
  type CreateResponse,
  type DeleteRequest,
  FastPathServiceService,
  type FastPathServiceServer,
  type GetRequest,
  type ListRequest,
  SandboxInfo,
  type UpdateRequest,
} from '@fsb/api/gen/fastpath/v1/fastpath';
import {
  type RunSandboxRequest,
  type SandboxExit,
  SandboxLogServiceService,
  type SandboxLogServiceServer,
  type StreamLogsRequest,
} from '@fsb/api/gen/fastpath/v1/logs';

type Received =
  | { readonly rpc: 'create'; readonly request: CreateRequest; readonly deadlineMs: number }
  | { readonly rpc: 'run'; readonly request: RunSandboxRequest; readonly deadlineMs: number }
  | { readonly rpc: 'delete'; readonly request: DeleteRequest; readonly deadlineMs: number }
  | { readonly rpc: 'update'; readonly request: UpdateRequest; readonly deadlineMs: number }
  | { readonly rpc: 'list'; readonly request: ListRequest; readonly deadlineMs: number }
  | { readonly rpc: 'get'; readonly request: GetRequest; readonly deadlineMs: number }
  | { readonly rpc: 'logs'; readonly request: StreamLogsRequest; readonly deadlineMs: number };

const NOTHING = { data: Buffer.alloc(0), exited: undefined, turns: [] };

/** A gRPC server that records its requests and gives the answers that a test has set. */
export class RecordingGateway {
  readonly received: Received[] = [];
  sandbox: SandboxInfo = SandboxInfo.create();
  pages: SandboxInfo[][] = [];
  stages: string | undefined;
  log: readonly Buffer[] = [];
  /** turns of each chunk of the log */
  turns: readonly number[] = [];
  /** last message of a run; undefined: the stream ends without it */
  exited: SandboxExit | undefined;
  /** chunks of the log that the transport has taken */
  chunksWritten = 0;
  failure: { readonly code: status; readonly details: string } | undefined;
  /** end of a log, after its chunks; undefined: a success */
  logFailure: { readonly code: status; readonly details: string } | undefined;
  silent = false;
  /** a get answers NOT_FOUND */
  missing = false;
  updateAnswers: { success: boolean; message: string }[] = [];
  private readonly server = new Server();

  /** @returns host:port */
  async start(): Promise<string> {
    this.server.addService(FastPathServiceService, this.sandboxes());
    this.server.addService(SandboxLogServiceService, this.logs());
    const port = await new Promise<number>((done, fail) => {
      this.server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error) fail(error);
        else done(bound);
      });
    });
    return `127.0.0.1:${port}`;
  }

  stop(): void {
    this.server.forceShutdown();
  }

  /** Clears requests and answers. */
  reset(): void {
    this.received.length = 0;
    Object.assign(this, {
      stages: undefined,
      failure: undefined,
      logFailure: undefined,
      silent: false,
      log: [],
      turns: [],
      exited: undefined,
      missing: false,
      chunksWritten: 0,
    });
    Object.assign(this, { pages: [], updateAnswers: [], sandbox: SandboxInfo.create() });
  }

  private sandboxes(): FastPathServiceServer {
    return {
      createSandbox: (call, reply) => {
        const { request } = call;
        this.received.push({ rpc: 'create', request, deadlineMs: left(call.getDeadline()) });
        this.answer(reply, createdOf(request), this.stagesTrailer());
      },
      deleteSandbox: (call, reply) => {
        this.received.push({ rpc: 'delete', request: call.request, deadlineMs: left(call.getDeadline()) });
        this.answer(reply, { success: true });
      },
      updateSandbox: (call, reply) => {
        this.received.push({ rpc: 'update', request: call.request, deadlineMs: left(call.getDeadline()) });
        const answer = this.updateAnswers.shift() ?? { success: true, message: 'sandbox updated successfully' };
        this.answer(reply, { ...answer, sandbox: this.sandbox });
      },
      listSandboxes: (call, reply) => {
        this.received.push({ rpc: 'list', request: call.request, deadlineMs: left(call.getDeadline()) });
        const page = Number(call.request.continue || '0');
        const more = page + 1 < this.pages.length;
        this.answer(reply, { items: this.pages[page] ?? [], continue: more ? String(page + 1) : '' });
      },
      getSandbox: (call, reply) => {
        this.received.push({ rpc: 'get', request: call.request, deadlineMs: left(call.getDeadline()) });
        if (this.missing) reply({ code: status.NOT_FOUND, details: `sandbox "${call.request.sandboxName}" not found` });
        else this.answer(reply, this.sandbox, this.stagesTrailer());
      },
    };
  }

  private logs(): SandboxLogServiceServer {
    return {
      streamLogs: (call) => {
        this.received.push({ rpc: 'logs', request: call.request, deadlineMs: left(call.getDeadline()) });
        this.chunksWritten = 0;
        const next = (): void => {
          while (this.chunksWritten < this.log.length) {
            const data = this.log[this.chunksWritten++] ?? Buffer.alloc(0);
            if (!call.write({ data, turns: [...this.turns] })) return void call.once('drain', next);
          }
          if (this.logFailure) call.emit('error', this.logFailure);
          else call.end();
        };
        next();
      },
      runSandbox: (call) => {
        this.received.push({ rpc: 'run', request: call.request, deadlineMs: left(call.getDeadline()) });
        if (this.silent) return;
        if (this.failure) {
          call.emit('error', this.failure);
          return;
        }
        call.write({
          created: createdOf(call.request.sandbox ?? CreateRequest.create()),
          stages: this.stages ?? '',
          ...NOTHING,
        });
        const log = { created: undefined, stages: '', ...NOTHING, turns: [...this.turns] };
        for (const data of this.log) call.write({ ...log, data });
        if (this.exited) call.write({ created: undefined, stages: '', ...NOTHING, exited: this.exited });
        call.end();
      },
    };
  }

  private stagesTrailer(): Metadata {
    const trailer = new Metadata();
    if (this.stages !== undefined) trailer.set('fastpath-stages', this.stages);
    return trailer;
  }

  private answer<T>(reply: sendUnaryData<T>, value: T, trailer?: Metadata): void {
    if (this.silent) return;
    if (this.failure) reply(this.failure);
    else reply(null, value, trailer);
  }
}

function createdOf({ name, exposedPorts }: CreateRequest): CreateResponse {
  const endpoints = exposedPorts.map((port) => `10.0.0.7:${port}`);
  return { sandboxId: 'id-1', agentPod: 'agent-1', endpoints, sandboxName: name };
}

function left(deadline: Date | number): number {
  return Number(deadline) - Date.now();
}
