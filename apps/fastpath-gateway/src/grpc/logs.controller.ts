import { Controller, UseFilters, UseGuards } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { type Metadata, type ServerWritableStream } from '@grpc/grpc-js';
import {
  type RunSandboxRequest,
  type RunSandboxResponse,
  type StreamLogsRequest,
  type StreamLogsResponse,
} from '@fsb/api/gen/fastpath/v1/logs';
import { callSignal } from '@fsb/component-base/grpc/call-signal';
import { ApiErrorFilter } from '@fsb/component-base/grpc/error.filter';
import { writeAll } from '@fsb/component-base/grpc/write-all';
import { type Observable } from 'rxjs';
import { AccessGuard, Needs } from '../access/access.guard';
import { RunSandbox } from '../create/run-sandbox';
import { SandboxLogReader } from '../sandboxes/sandbox-log-reader';
import { createDeadline } from './call-deadline';

@Controller()
@UseFilters(ApiErrorFilter)
@UseGuards(AccessGuard)
export class LogsController {
  constructor(
    private readonly logs: SandboxLogReader,
    private readonly runs: RunSandbox,
  ) {}

  @Needs({ verb: 'get', subresource: 'log' })
  @GrpcMethod('SandboxLogService', 'streamLogs')
  async streamLogs(
    request: StreamLogsRequest,
    _metadata: Metadata,
    call: ServerWritableStream<StreamLogsRequest, StreamLogsResponse>,
  ): Promise<Observable<never>> {
    const signal = callSignal(call);
    return writeAll(call, await this.logs.open(request, signal), signal);
  }

  @Needs({ verb: 'create', subresource: '' }, { verb: 'get', subresource: 'log' })
  @GrpcMethod('SandboxLogService', 'runSandbox')
  runSandbox(
    request: RunSandboxRequest,
    _metadata: Metadata,
    call: ServerWritableStream<RunSandboxRequest, RunSandboxResponse>,
  ): Promise<Observable<never>> {
    const signal = callSignal(call);
    return writeAll(call, this.runs.run(request, signal, createDeadline(call, request.sandbox ?? {})), signal);
  }
}
