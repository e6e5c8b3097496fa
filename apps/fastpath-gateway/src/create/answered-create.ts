import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type CreateRequest, type CreateResponse, DeleteRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type Created } from './create-mode';
import { CreateSandbox } from './create-sandbox';
import { type Waiting } from './creates-under-way';
import { DeleteSandbox } from '../sandboxes/delete-sandbox';

const TRIES = 8;
const FIRST_PAUSE_MS = 100;
const DELETE_MS = 10_000;

/** A create by a unary call. A caller who leaves before the answer is sent, and has no name to find the sandbox by, leaves nothing. */
@Injectable()
export class AnsweredCreate {
  private readonly logger = new Logger(AnsweredCreate.name);

  constructor(
    private readonly creates: CreateSandbox,
    private readonly deletes: DeleteSandbox,
  ) {}

  /**
   * @param whenLeft calls a function where the caller leaves
   * @throws ApiError
   */
  async create(
    request: CreateRequest,
    { signal, deadline }: Waiting,
    whenLeft: (act: () => void) => void,
  ): Promise<Created> {
    const created = await this.creates.create(request, signal, deadline);
    if (request.name === '' && request.requestId === '')
      whenLeft(() => void this.end(request.namespace, created.response));
    return created;
  }

  private async end(namespace: string, { sandboxName, sandboxId }: CreateResponse): Promise<void> {
    const request = DeleteRequest.fromPartial({ sandboxName, namespace, sandboxId });
    let failure: unknown;
    for (let tries = 0; tries < TRIES; tries++) {
      try {
        await this.deletes.delete(request, Date.now() + DELETE_MS);
        return;
      } catch (error) {
        failure = error;
      }
      await sleep(FIRST_PAUSE_MS * 2 ** tries, undefined, { ref: false });
    }
    const error = messageOf(failure);
    this.logger.warn({ msg: 'what its caller left was not ended', sandbox: sandboxId, name: sandboxName, error });
  }
}
