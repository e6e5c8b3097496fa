import { type Sandbox, type SandboxStatus } from '@fsb/api/sandbox';
import { backOffMs } from '@fsb/kit/back-off';
import { unixMillis } from './instant';

/** Failed tries, kept in the object's status so that another leader goes on counting. */
export type Tries = Pick<SandboxStatus, 'failures' | 'retryAt'>;

const TRIES = { firstMs: 500, lastMs: 30_000 };
const RECREATIONS = { firstMs: 1_000, lastMs: 300_000 };

/** The tries after one more failure: the pause is 500 ms, doubled each time, at most 30 s. */
export function failedTry({ status }: Sandbox, now: number): Tries & { readonly pauseMs: number } {
  const before = status?.failures ?? 0;
  const pauseMs = backOffMs(before, TRIES);
  return { failures: before + 1, retryAt: new Date(now + pauseMs).toISOString(), pauseMs };
}

/** Unix milliseconds of the next try; 0 without a failure. At most 30 s from now: the writer's clock may be ahead. */
export function nextTry({ status }: Sandbox, now: number): number {
  return Math.min(unixMillis(status?.retryAt) ?? 0, now + TRIES.lastMs);
}

/** Milliseconds from a container's end to its recreation: 1 s, doubled each time, at most 300 s. */
export function recreationPause({ status }: Sandbox): number {
  return backOffMs(status?.recreations ?? 0, RECREATIONS);
}
