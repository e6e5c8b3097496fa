import { type CreateSandboxResponse } from '@fsb/agent-api/agent-api';

/** An in-flight create and the number of its callers. */
export interface Creation {
  readonly work: Promise<CreateSandboxResponse>;
  callers: number;
  readonly abandoned: AbortController;
}

/** Delay before an abandoned sandbox is ended. A gateway that resets a silent connection asks again within a second. */
const ASK_AGAIN_MS = 2_000;

/** In-flight creates, by sandbox id. */
export class Creations {
  private readonly underWay = new Map<string, Creation>();
  /** timers that end sandboxes whose callers have all left, where no caller could find them again */
  private readonly abandoned = new Map<string, NodeJS.Timeout>();

  /** @param end ends a sandbox that all callers have left and none can find again */
  constructor(private readonly end: (id: string) => void) {}

  get(id: string): Creation | undefined {
    return this.underWay.get(id);
  }

  /** @param make performs the create; its signal ends the wait for an image once all callers have left */
  begin(id: string, make: (abandoned: AbortSignal) => Promise<CreateSandboxResponse>): Creation {
    const abandoned = new AbortController();
    const work = make(abandoned.signal).finally(() => this.underWay.delete(id));
    const creation = { work, callers: 0, abandoned };
    this.underWay.set(id, creation);
    return creation;
  }

  /** Cancels the end of an abandoned sandbox, as a caller asks for it again. */
  cancelEnd(id: string): void {
    clearTimeout(this.abandoned.get(id));
    this.abandoned.delete(id);
  }

  /**
   * Waits for a creation as one of its callers.
   * @param left aborts when this caller leaves before it has its answer, also while the answer is in transit
   * @param leaveNothing whether the sandbox is ended once all callers have left
   * @throws ApiError the error of the creation
   */
  join(id: string, creation: Creation, left: AbortSignal, leaveNothing: boolean): Promise<CreateSandboxResponse> {
    creation.callers++;
    const leave = (): void => {
      if (--creation.callers > 0) return;
      creation.abandoned.abort();
      if (leaveNothing) this.abandon(id);
    };
    if (left.aborted) leave();
    else left.addEventListener('abort', leave, { once: true });
    return creation.work;
  }

  private abandon(id: string): void {
    this.cancelEnd(id);
    const timer = setTimeout(() => {
      this.abandoned.delete(id);
      this.end(id);
    }, ASK_AGAIN_MS);
    this.abandoned.set(id, timer.unref());
  }
}
