import { join } from 'node:path';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type DiskUsage, type UsageLimits } from './disk-usage';

/** Timeout, far above the time for the largest number of files. */
const MEASURE_MS = 120_000;
const HEAP_MB = 128;

export interface UsageQuestion {
  readonly folder: string;
  readonly limits: UsageLimits;
  /** of processes that write there */
  readonly pids: readonly number[];
}

/** Measures disk usage in a thread of its own with the least priority. The first question starts it; one at a time. */
export class UsageMeter {
  private worker: Worker | undefined;

  /** @throws Error where the thread died or took too long; the next question starts another */
  async measure(question: UsageQuestion): Promise<DiskUsage> {
    const worker = (this.worker ??= this.start());
    worker.postMessage(question);
    try {
      const [usage] = (await once(worker, 'message', { signal: AbortSignal.timeout(MEASURE_MS) })) as [DiskUsage]; // usage-worker.ts
      return usage;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }

  private start(): Worker {
    const worker = new Worker(join(__dirname, 'usage-worker.js'), {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    worker.unref();
    return worker;
  }
}
