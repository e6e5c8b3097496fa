import { type Sandbox, type SandboxStatus } from '@fsb/api/sandbox';
import { unixMillis } from './instant';

/** What the object itself keeps of its failures: another leader goes on from there. */
export type Tries = Pick<SandboxStatus, 'failures' | 'retryAt'>;

const FIRST_TRY_MS = 500;
const LAST_TRY_MS = 30_000;
const FIRST_RECREATION_MS = 1_000;
const LAST_RECREATION_MS = 300_000;

/** After one more failed try: the next waits, twice as long each time. */
export function failedTry({ status }: Sandbox, now: number): Tries & { readonly pauseMs: number } {
  const before = status?.failures ?? 0;
  const pauseMs = Math.min(FIRST_TRY_MS * 2 ** Math.min(before, 10), LAST_TRY_MS);
  return { failures: before + 1, retryAt: new Date(now + pauseMs).toISOString(), pauseMs };
}

/** Unix milliseconds; 0 where nothing has failed. A clock that was far ahead holds nobody up for longer than a pause. */
export function nextTry({ status }: Sandbox, now: number): number {
  return Math.min(unixMillis(status?.retryAt) ?? 0, now + LAST_TRY_MS);
}

/** From its end to the next container that its policy makes. */
export function recreationPause({ status }: Sandbox): number {
  return Math.min(FIRST_RECREATION_MS * 2 ** Math.min(status?.recreations ?? 0, 20), LAST_RECREATION_MS);
}
