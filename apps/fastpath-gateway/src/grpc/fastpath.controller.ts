import { Controller, UseFilters, UseGuards } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { type Metadata, type ServerUnaryCall } from '@grpc/grpc-js';
import {
  type CreateRequest,
  type CreateResponse,
  type DeleteRequest,
  type DeleteResponse,
  type GetRequest,
  type ListRequest,
  type ListResponse,
  type SandboxInfo,
  type UpdateRequest,
  type UpdateResponse,
} from '@fsb/api/gen/fastpath/v1/fastpath';
import { callSignal } from '@fsb/component-base/grpc/call-signal';
import { ApiErrorFilter } from '@fsb/component-base/grpc/error.filter';
import { setTrailers } from '@fsb/component-base/grpc/trailers';
import { onCallerLeft } from '@fsb/component-base/grpc/on-caller-left';
import { Access } from '../access/access';
import { AccessGuard, Needs } from '../access/access.guard';
import { callerOf } from '../access/caller';
import { AnsweredCreate } from '../create/answered-create';
import { timingsOf } from '../create/timings';
import { GracefulDelete } from '../sandboxes/graceful-delete';
import { SandboxQueries } from '../sandboxes/sandbox-queries';
import { UpdateSandbox } from '../sandboxes/update-sandbox';
import { callDeadline, createDeadline } from './call-deadline';

const SERVICE = 'FastPathService';
/** Trailing metadata of a create, and of a later get: JSON `[{name, ms}]`. */
const STAGES = 'fastpath-stages';
/** Milliseconds of every other call: default of callers without a deadline, and maximum. */
const CALL_MS = [10_000, 60_000] as const;

type Call<Q, R> = ServerUnaryCall<Q, R>;

@Controller()
@UseFilters(ApiErrorFilter)
@UseGuards(AccessGuard)
export class FastPathController {
  constructor(
    private readonly creates: AnsweredCreate,
    private readonly deletes: GracefulDelete,
    private readonly updates: UpdateSandbox,
    private readonly queries: SandboxQueries,
    private readonly access: Access,
  ) {}

  @Needs({ verb: 'create', subresource: '' })
  @GrpcMethod(SERVICE, 'createSandbox')
  async createSandbox(
    request: CreateRequest,
    metadata: Metadata,
    call: Call<CreateRequest, CreateResponse>,
  ): Promise<CreateResponse> {
    const waiting = { signal: callSignal(call), deadline: createDeadline(call, request) };
    const { response, stages } = await this.creates.create(request, waiting, (act) => {
      onCallerLeft(call, metadata, act);
    });
    setTrailers(metadata, { [STAGES]: timingsOf(stages) });
    return response;
  }

  @Needs({ verb: 'delete', subresource: '' })
  @GrpcMethod(SERVICE, 'deleteSandbox')
  async deleteSandbox(
    request: DeleteRequest,
    _metadata: Metadata,
    call: Call<DeleteRequest, DeleteResponse>,
  ): Promise<DeleteResponse> {
    await this.deletes.delete(request, callDeadline(call, CALL_MS));
    return { success: true };
  }

  @Needs({ verb: 'update', subresource: '' })
  @GrpcMethod(SERVICE, 'updateSandbox')
  updateSandbox(
    request: UpdateRequest,
    _metadata: Metadata,
    call: Call<UpdateRequest, UpdateResponse>,
  ): Promise<UpdateResponse> {
    return this.updates.update(request, callDeadline(call, CALL_MS));
  }

  @Needs({ verb: 'list', subresource: '' })
  @GrpcMethod(SERVICE, 'listSandboxes')
  async listSandboxes(request: ListRequest, metadata: Metadata): Promise<ListResponse> {
    if (request.namespace !== '') return this.queries.list(request, [request.namespace]);
    return this.queries.list(
      request,
      await this.access.listableNamespaces(callerOf(metadata), () => this.queries.namespaces()),
    );
  }

  @Needs({ verb: 'get', subresource: '' })
  @GrpcMethod(SERVICE, 'getSandbox')
  async getSandbox(request: GetRequest, metadata: Metadata, call: Call<GetRequest, SandboxInfo>): Promise<SandboxInfo> {
    const found = this.queries.get(request);
    const timings = this.queries.timings(found);
    if (timings !== undefined) setTrailers(metadata, { [STAGES]: timings });
    if (!request.includeObject) return found;
    const { namespace, sandboxName } = found;
    return { ...found, objectJson: await this.queries.objectJson(namespace, sandboxName, callDeadline(call, CALL_MS)) };
  }
}
