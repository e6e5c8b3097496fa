import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@fsb/api/errors';
import { differences } from './differences';
import { type Readers, readWorld, type World } from './world';

const EVERY_MS = 1_000;
/** Consecutive readings without a difference. One could be a coincidence during a transition. */
const EQUAL_TIMES = 2;

export interface Account {
  readonly world: World | undefined;
  readonly differences: readonly string[];
  /** milliseconds until everything agreed; undefined when it never did */
  readonly settledMs: number | undefined;
}

/**
 * Reads the world every second until two consecutive readings show no difference, or until `withinMs` have passed; the
 * differences of the last reading are then the result. @param broken promises that the run itself found broken
 */
export async function settle(
  readers: Readers,
  broken: (world: World) => readonly string[],
  withinMs: number,
  say: (text: string) => void,
): Promise<Account> {
  const started = performance.now();
  let reportedAt = started;
  for (let equal = 0; ;) {
    const { world, found } = await look(readers, broken);
    const elapsed = performance.now() - started;
    equal = found.length === 0 ? equal + 1 : 0;
    if (equal === EQUAL_TIMES) return { world, differences: [], settledMs: elapsed };
    if (elapsed > withinMs && found.length > 0) return { world, differences: found, settledMs: undefined };
    if (performance.now() - reportedAt > 10_000) {
      reportedAt = performance.now();
      say(`${found.length} differences left, the first: ${found[0] ?? ''}`);
    }
    await sleep(EVERY_MS);
  }
}

async function look(
  readers: Readers,
  broken: (world: World) => readonly string[],
): Promise<{ world: World | undefined; found: string[] }> {
  try {
    const world = await readWorld(readers);
    return { world, found: [...differences(world, readers.stack.installation), ...broken(world)] };
  } catch (error) {
    return { world: undefined, found: [`not everything can be asked: ${messageOf(error)}`] };
  }
}
