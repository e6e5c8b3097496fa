import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Answers that have no end of their own: broken off when the process stops, which would wait for them otherwise. */
@Injectable()
export class OpenStreams implements OnModuleDestroy {
  private readonly stopping = new AbortController();

  until(left: AbortSignal): AbortSignal {
    return AbortSignal.any([left, this.stopping.signal]);
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }
}
