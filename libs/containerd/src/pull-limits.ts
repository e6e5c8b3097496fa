import { ApiError } from '@fsb/api/errors';
import { inPowersOf1024 } from '@fsb/api/quantity';

/** What a pull may take. */
export interface PullLimits {
  /** of an image's layers, unpacked, and of what is fetched for it */
  readonly maxBytes: number;
  /** so long nothing may come of it */
  readonly progressTimeoutMs: number;
}

/** What can be seen of a pull under way. */
export interface PullActivity {
  /** changes with every byte that comes, and every one that is unpacked */
  readonly position: string;
  readonly fetchedBytes: number;
  /** of the largest image that is being unpacked */
  readonly unpackedBytes: number;
}

/** Why a pull is ended. Pure but for what it has seen. */
export class PullWatch {
  private position = '';
  private movedAt: number;

  /** @param now milliseconds, of any clock */
  constructor(
    private readonly name: string,
    private readonly limits: PullLimits,
    now: number,
  ) {
    this.movedAt = now;
  }

  /** @returns why it must end; undefined: it may go on */
  see({ position, fetchedBytes, unpackedBytes }: PullActivity, now: number): ApiError | undefined {
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
