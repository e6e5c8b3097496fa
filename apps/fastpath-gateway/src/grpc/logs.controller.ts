import { Controller, UseFilters } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { type Metadata, type ServerWritableStream } from '@grpc/grpc-js';
import { type StreamLogsRequest, type StreamLogsResponse } from '@fsb/api/gen/fastpath/v1/logs';
import { callSignal } from '@fsb/component-base/grpc/call-signal';
import { ApiErrorFilter } from '@fsb/component-base/grpc/error.filter';
import { writeAll } from '@fsb/component-base/grpc/write-all';
import { type Observable } from 'rxjs';
import { SandboxLogs } from '../sandboxes/sandbox-logs';

@Controller()
@UseFilters(ApiErrorFilter)
export class LogsController {
  constructor(private readonly logs: SandboxLogs) {}

  @GrpcMethod('SandboxLogService', 'streamLogs')
  async streamLogs(
    request: StreamLogsRequest,
    _metadata: Metadata,
    call: ServerWritableStream<StreamLogsRequest, StreamLogsResponse>,
  ): Promise<Observable<never>> {
    const signal = callSignal(call);
    return writeAll(call, await this.logs.open(request, signal), signal);
  }
}
