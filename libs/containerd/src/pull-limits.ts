import { ApiError } from '@fsb/api/errors';
import { inPowersOf1024 } from '@fsb/api/quantity';

/** Limits of a pull. */
export interface PullLimits {
  /** of the bytes fetched, and of the layers' bytes unpacked */
  readonly maxBytes: number;
  /** longest time without progress */
  readonly progressTimeoutMs: number;
}

/** Progress of a pull in flight. */
export interface PullActivity {
  /** changes with every byte that is fetched or unpacked; its value has no meaning */
  readonly position: string;
  readonly fetchedBytes: number;
  /** of the largest image being unpacked */
  readonly unpackedBytes: number;
}

/** Decides when a pull must end. Pure except for the last progress. */
export class PullWatch {
  private position = '';
  private movedAt: number;

  /** @param now milliseconds of any clock, which `see` must use too */
  constructor(
    private readonly name: string,
    private readonly limits: PullLimits,
    now: number,
  ) {
    this.movedAt = now;
  }

  /** @returns the reason why the pull must end; undefined if it may go on */
  update({ position, fetchedBytes, unpackedBytes }: PullActivity, now: number): ApiError | undefined {
    if (Math.max(fetchedBytes, unpackedBytes) > this.limits.maxBytes) return tooLarge(this.name, this.limits.maxBytes);
    if (position !== this.position) {
      this.position = position;
      this.movedAt = now;
    }
    const silentMs = now - this.movedAt;
    if (silentMs < this.limits.progressTimeoutMs) return undefined;
    const seconds = Math.round(silentMs / 1000);
    return new ApiError('not_found', `image: ${this.name} cannot be pulled: nothing has come of it for ${seconds} s`);
  }
}

export function tooLarge(name: string, maxBytes: number): ApiError {
  const message = `image: ${name} is larger than ${inPowersOf1024(maxBytes)}, its layers unpacked; the agent pulls no larger one (--max-image-size)`;
  return new ApiError('failed_precondition', message);
}
