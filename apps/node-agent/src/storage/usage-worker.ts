import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { diskUsageOf } from './disk-usage';
import { type UsageQuestion } from './usage-meter';

const LEAST_PRIORITY = 19;

setPriority(LEAST_PRIORITY); // of this thread only: Linux has priorities per thread
parentPort?.on('message', ({ folder, limits, pids }: UsageQuestion) => {
  parentPort?.postMessage(diskUsageOf(folder, limits, pids));
});
