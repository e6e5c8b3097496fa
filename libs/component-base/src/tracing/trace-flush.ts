import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { installedTracer } from './tracing';

/** Flushes spans last, so that those of the shutdown are exported too. */
@Injectable()
export class TraceFlush implements OnApplicationShutdown {
  async onApplicationShutdown(): Promise<void> {
    await installedTracer()?.close();
  }
}
