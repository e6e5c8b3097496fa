import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Aborts streaming answers when the process stops, which would wait for them otherwise. */
@Injectable()
export class OpenStreams implements OnModuleDestroy {
  private readonly stopping = new AbortController();

  /** @returns a signal that aborts when `left` does or the process stops */
  until(left: AbortSignal): AbortSignal {
    return AbortSignal.any([left, this.stopping.signal]);
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }
}
