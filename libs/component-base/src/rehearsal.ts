import { setTimeout as sleep } from 'node:timers/promises';

/** So often V8 must have seen a function before it compiles it well; 1,000 calls on loopback take half a second. */
const CALLS = 1_000;
/** In between, for whoever is served meanwhile. */
const PAUSE_EVERY = 50;
const PAUSE_MS = 20;

/**
 * Calls a service's own door often enough for its code to be compiled: the first callers would wait four times as long as
 * the thousandth. `call` must be refused at once, and change nothing. Ends early where it fails.
 */
export async function rehearse(call: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let i = 1; i <= CALLS && !signal.aborted; i++) {
    await call();
    if (i % PAUSE_EVERY === 0) await sleep(PAUSE_MS, undefined, { signal });
  }
}
