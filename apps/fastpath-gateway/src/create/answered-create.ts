import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { type CreateRequest, type CreateResponse, DeleteRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type CreatedSandbox } from './create-mode';
import { CreateSandbox } from './create-sandbox';
import { type CallerWait } from './creates-in-flight';
import { DeleteSandbox } from '../sandboxes/delete-sandbox';

const TRIES = 8;
const FIRST_PAUSE_MS = 100;
const DELETE_MS = 10_000;

/**
 * Creates by unary calls. When the caller leaves before the answer is sent, a sandbox that is not findable is deleted.
 */
@Injectable()
export class AnsweredCreate {
  private readonly logger = new Logger(AnsweredCreate.name);

  constructor(
    private readonly creates: CreateSandbox,
    private readonly deletes: DeleteSandbox,
  ) {}

  /**
   * Creates a sandbox.
   * @param onCallerLeft registers a function to call when the caller leaves before it has the answer
   * @throws ApiError as {@link CreateSandbox.create}
   */
  async create(
    request: CreateRequest,
    { signal, deadline }: CallerWait,
    onCallerLeft: (act: () => void) => void,
  ): Promise<CreatedSandbox> {
    const created = await this.creates.create(request, signal, deadline);
    if (request.name === '' && request.requestId === '')
      onCallerLeft(() => void this.end(request.namespace, created.response));
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
    this.logger.warn({ msg: 'an abandoned sandbox was not deleted', sandbox: sandboxId, name: sandboxName, error });
  }
}
