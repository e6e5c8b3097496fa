import { Injectable } from '@nestjs/common';
import { CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type RunSandboxRequest, type RunSandboxResponse } from '@fsb/api/gen/fastpath/v1/logs';
import { SandboxLogs } from '../sandboxes/sandbox-logs';
import { CreateSandbox } from './create-sandbox';
import { timingsOf } from './timings';

const NO_DATA = Buffer.alloc(0);

/** A create whose log follows its answer. */
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
    yield { created: response, stages: timingsOf(stages), data: NO_DATA, exited: undefined };
    const { sandboxName, sandboxId } = response;
    const { namespace } = request;
    const log = await this.logs.open({ sandboxName, sandboxId, namespace, follow: true, previous: false }, signal);
    for await (const { data } of log) yield { created: undefined, stages: '', data, exited: undefined };
  }
}
