import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats `check` until it neither throws nor returns false. @throws the last failure after `withinMs` */
export async function eventually<T>(
  check: () => Promise<T> | T,
  withinMs = 10_000,
  everyMs = 25,
): Promise<Exclude<T, false>> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      const result = await check();
      if (result !== false) return result as Exclude<T, false>; // TypeScript does not narrow a type parameter
      throw new Error(`still false after ${withinMs} ms`);
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(everyMs);
  }
}
