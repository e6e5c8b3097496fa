import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { type UsageLimits, usageOf } from './disk-usage';

const LEAST_PRIORITY = 19;

setPriority(LEAST_PRIORITY); // of this thread alone: Linux has it by thread
parentPort?.on('message', ({ folder, limits }: { folder: string; limits: UsageLimits }) => {
  parentPort?.postMessage(usageOf(folder, limits));
});
