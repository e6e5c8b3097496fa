import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { installedTracer } from './tracing';

/** The last spans of a process are those of its end. */
@Injectable()
export class TraceFlush implements OnApplicationShutdown {
  async onApplicationShutdown(): Promise<void> {
    await installedTracer()?.close();
  }
}
