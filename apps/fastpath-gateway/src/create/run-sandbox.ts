import { Injectable } from '@nestjs/common';
import { type LogExit } from '@fsb/agent-api/log-exit';
import { CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type RunSandboxRequest, type RunSandboxResponse, StreamLogsRequest } from '@fsb/api/gen/fastpath/v1/logs';
import { type OpenLog, SandboxLogs } from '../sandboxes/sandbox-logs';
import { CreateSandbox } from './create-sandbox';
import { timingsOf } from './timings';

const NOTHING = { data: Buffer.alloc(0), turns: [], exited: undefined };

/** A create whose log follows its answer, and behind that how its process ended. */
@Injectable()
export class RunSandbox {
  constructor(
    private readonly creates: CreateSandbox,
    private readonly logs: SandboxLogs,
  ) {}

  /**
   * @param deadline Unix milliseconds, of the create alone
   * @throws ApiError as a create and as a log
   */
  async *run(
    { sandbox }: RunSandboxRequest,
    signal: AbortSignal,
    deadline: number,
  ): AsyncGenerator<RunSandboxResponse> {
    const request = sandbox ?? CreateRequest.create(); // whose fields are missing then
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

/** @returns how the sandbox ended, where that is known */
async function* messages(log: OpenLog): AsyncGenerator<RunSandboxResponse, LogExit | undefined> {
  try {
    for (;;) {
      const { done, value } = await log.next();
      if (done) return value;
      yield { created: undefined, stages: '', ...value, exited: undefined };
    }
  } finally {
    await log.return(undefined); // a caller that leaves closes the way to the agent
  }
}
