import { type Sandbox, type SandboxStatus } from '@fsb/api/sandbox';
import { backOffMs } from '@fsb/kit/back-off';
import { unixMillis } from './instant';

/** What the object itself keeps of its failures: another leader goes on from there. */
export type Tries = Pick<SandboxStatus, 'failures' | 'retryAt'>;

const TRIES = { firstMs: 500, lastMs: 30_000 };
const RECREATIONS = { firstMs: 1_000, lastMs: 300_000 };

/** After one more failed try: the next waits, twice as long each time. */
export function failedTry({ status }: Sandbox, now: number): Tries & { readonly pauseMs: number } {
  const before = status?.failures ?? 0;
  const pauseMs = backOffMs(before, TRIES);
  return { failures: before + 1, retryAt: new Date(now + pauseMs).toISOString(), pauseMs };
}

/** Unix milliseconds; 0 where nothing has failed. A clock that was far ahead holds nobody up for longer than a pause. */
export function nextTry({ status }: Sandbox, now: number): number {
  return Math.min(unixMillis(status?.retryAt) ?? 0, now + TRIES.lastMs);
}

/** From its end to the next container that its policy makes. */
export function recreationPause({ status }: Sandbox): number {
  return backOffMs(status?.recreations ?? 0, RECREATIONS);
}
