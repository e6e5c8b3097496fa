import { setTimeout as sleep } from 'node:timers/promises';

/** Calls after which V8 has optimised the path; on loopback they take half a second. */
const CALLS = 1_000;
/** Pauses between the calls, for real callers. */
const PAUSE_EVERY = 50;
const PAUSE_MS = 20;

/**
 * Warms up V8 by calling the process's own API: otherwise the first caller waits four times as long as the thousandth.
 * @param call is refused at once and has no effect
 * @param signal ends the rehearsal early, with an AbortError during a pause
 * @throws what `call` throws
 */
export async function rehearse(call: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let i = 1; i <= CALLS && !signal.aborted; i++) {
    await call();
    if (i % PAUSE_EVERY === 0) await sleep(PAUSE_MS, undefined, { signal });
  }
}
