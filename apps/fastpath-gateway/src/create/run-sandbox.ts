import { Injectable } from '@nestjs/common';
import { type LogExit } from '@fsb/agent-api/log-exit';
import { CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type RunSandboxRequest, type RunSandboxResponse, StreamLogsRequest } from '@fsb/api/gen/fastpath/v1/logs';
import { type OpenSandboxLog, SandboxLogReader } from '../sandboxes/sandbox-log-reader';
import { CreateSandbox } from './create-sandbox';
import { timingsOf } from './timings';

const NOTHING = { data: Buffer.alloc(0), turns: [], exited: undefined };

/** Creates a sandbox and streams its answer, then its log, then its exit. */
@Injectable()
export class RunSandbox {
  constructor(
    private readonly creates: CreateSandbox,
    private readonly logs: SandboxLogReader,
  ) {}

  /**
   * Runs a sandbox. The first message has `created`, the last one `exited` if the exit is known.
   * @param deadline of the create alone, Unix milliseconds
   * @throws ApiError as {@link CreateSandbox.create} and {@link SandboxLogReader.open}
   */
  async *run(
    { sandbox }: RunSandboxRequest,
    signal: AbortSignal,
    deadline: number,
  ): AsyncGenerator<RunSandboxResponse> {
    const request = sandbox ?? CreateRequest.create(); // refused for its missing fields
    const { response, stages } = await this.creates.create(request, signal, deadline);
    yield { created: response, stages: timingsOf(stages), ...NOTHING };
    const { sandboxName, sandboxId } = response;
    const { namespace } = request;
    const wanted = StreamLogsRequest.create({ sandboxName, sandboxId, namespace, follow: true });
    const log = await this.logs.open(wanted, signal);
    const exited = yield* messages(log);
    if (exited) yield { created: undefined, stages: '', ...NOTHING, exited };
  }
}

/** @returns the exit of the sandbox, if it is known */
async function* messages(log: OpenSandboxLog): AsyncGenerator<RunSandboxResponse, LogExit | undefined> {
  try {
    for (;;) {
      const { done, value } = await log.next();
      if (done) return value;
      yield { created: undefined, stages: '', ...value, exited: undefined };
    }
  } finally {
    await log.return(undefined); // closes the connection to the agent when the caller leaves
  }
}
