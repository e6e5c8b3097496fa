import { type CreateSandboxResponse } from '@fsb/agent-api/agent-api';

/** A create that containerd is being asked for, and who waits for it. */
export interface Creation {
  readonly work: Promise<CreateSandboxResponse>;
  callers: number;
  readonly abandoned: AbortController;
}

/** A gateway that tears a silent connection asks again within a second. */
const ASK_AGAIN_MS = 2_000;

/** The creates under way, by sandbox id. */
export class Creations {
  private readonly underWay = new Map<string, Creation>();
  /** sandboxes that nobody could find, whose last caller has left */
  private readonly abandoned = new Map<string, NodeJS.Timeout>();

  /** @param end ends a sandbox that was left by all who could have known of it */
  constructor(private readonly end: (id: string) => void) {}

  get(id: string): Creation | undefined {
    return this.underWay.get(id);
  }

  /** @param make its signal ends the wait for an image: all callers have left */
  begin(id: string, make: (abandoned: AbortSignal) => Promise<CreateSandboxResponse>): Creation {
    const abandoned = new AbortController();
    const work = make(abandoned.signal).finally(() => this.underWay.delete(id));
    const creation = { work, callers: 0, abandoned };
    this.underWay.set(id, creation);
    return creation;
  }

  /** Somebody asks for it: it is not abandoned any more. */
  wanted(id: string): void {
    clearTimeout(this.abandoned.get(id));
    this.abandoned.delete(id);
  }

  /**
   * Waits for a creation as one of its callers.
   * @param left aborts when this caller leaves before it has its answer, also while the answer is on its way
   * @param leaveNothing whether the sandbox is ended once all have left
   * @throws ApiError what the creation throws
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
    this.wanted(id);
    const timer = setTimeout(() => {
      this.abandoned.delete(id);
      this.end(id);
    }, ASK_AGAIN_MS);
    this.abandoned.set(id, timer.unref());
  }
}
