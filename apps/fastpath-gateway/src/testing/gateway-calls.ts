import { Metadata } from '@grpc/grpc-js';
import {
  CreateRequest,
  type CreateResponse,
  DeleteRequest,
  type DeleteResponse,
  type FastPathServiceClient,
  GetRequest,
  type SandboxInfo,
  UpdateRequest,
  type UpdateResponse,
} from '@fsb/api/gen/fastpath/v1/fastpath';
import { call, type CallOutcome } from './gateway-scene';

/** PID 1 ignores signals that it does not handle: without the trap each delete takes the grace period of 10 s. */
const SLEEP = ['/bin/sh', '-c', 'trap "exit 0" TERM; sleep 1000 & wait'];

/** Calls to one gateway, with defaults for tests. */
export class GatewayCalls {
  constructor(readonly client: FastPathServiceClient) {}

  create(
    name: string,
    more: Parameters<typeof CreateRequest.fromPartial>[0] = {},
    ms?: number,
  ): Promise<CallOutcome<CreateResponse>> {
    const request = CreateRequest.fromPartial({ name, image: 'busybox', poolRef: 'pool', command: SLEEP, ...more });
    return call(this.client.createSandbox.bind(this.client), request, ms);
  }

  /** Begins a create and cancels its call. @param left resolves when to cancel */
  async createAndLeave(
    name: string,
    more: Parameters<typeof CreateRequest.fromPartial>[0],
    left: Promise<unknown>,
  ): Promise<void> {
    const request = CreateRequest.fromPartial({ name, image: 'busybox', poolRef: 'pool', command: SLEEP, ...more });
    const running = this.client.createSandbox(request, new Metadata(), () => undefined);
    await left;
    running.cancel();
  }

  get(sandboxName: string, sandboxId = ''): Promise<CallOutcome<SandboxInfo>> {
    return call(this.client.getSandbox.bind(this.client), GetRequest.fromPartial({ sandboxName, sandboxId }));
  }

  remove(sandboxName: string, sandboxId = ''): Promise<CallOutcome<DeleteResponse>> {
    return call(this.client.deleteSandbox.bind(this.client), DeleteRequest.fromPartial({ sandboxName, sandboxId }));
  }

  label(sandboxName: string, sandboxId = ''): Promise<CallOutcome<UpdateResponse>> {
    const request = UpdateRequest.fromPartial({ sandboxName, sandboxId, labels: { seen: 'yes' } });
    return call(this.client.updateSandbox.bind(this.client), request);
  }
}
