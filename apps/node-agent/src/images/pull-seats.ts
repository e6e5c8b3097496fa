import { ApiError } from '@fsb/api/errors';

export interface PullSeatLimits {
  readonly perAgent: number;
  readonly perNamespace: number;
}

const RETRY_MS = 1_000;

/** Bounds concurrent pulls, per namespace and per agent. */
export class PullSeats {
  private readonly taken = new Map<string, number>();
  private all = 0;

  constructor(private readonly limits: PullSeatLimits) {}

  /** Runs `pull` on a free seat. @throws ApiError unavailable where there is none, before `pull` begins */
  async during<T>(namespace: string, image: string, pull: () => Promise<T>): Promise<T> {
    const own = this.taken.get(namespace) ?? 0;
    if (own >= this.limits.perNamespace) throw full(image, `${own} images of namespace "${namespace}"`);
    if (this.all >= this.limits.perAgent) throw full(image, `${this.all} images`);
    this.taken.set(namespace, own + 1);
    this.all++;
    try {
      return await pull();
    } finally {
      this.all--;
      const left = (this.taken.get(namespace) ?? 1) - 1;
      if (left > 0) this.taken.set(namespace, left);
      else this.taken.delete(namespace);
    }
  }
}

function full(image: string, what: string): ApiError {
  return new ApiError('unavailable', `image: ${image} has to wait: ${what} are being pulled`, {
    retryDelayMs: RETRY_MS,
  });
}
