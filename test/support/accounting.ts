import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@fsb/api/errors';
import { differences } from './differences';
import { type Readers, readWorld, type World } from './world';

const EVERY_MS = 1_000;
/** In a row: what is right by chance, on its way from one state to the next, does not count. */
const EQUAL_TIMES = 2;

export interface Account {
  readonly world: World | undefined;
  readonly differences: readonly string[];
  /** how long it took until everything agreed */
  readonly settledMs: number | undefined;
}

/**
 * Reads the world every second until nothing differs twice in a row, or `withinMs` have passed: then the differences that
 * are left are the result. @param broken promises that the run itself knows of
 */
export async function settle(
  readers: Readers,
  broken: (world: World) => readonly string[],
  withinMs: number,
  say: (text: string) => void,
): Promise<Account> {
  const started = performance.now();
  let told = started;
  for (let equal = 0; ;) {
    const { world, found } = await look(readers, broken);
    const elapsed = performance.now() - started;
    equal = found.length === 0 ? equal + 1 : 0;
    if (equal === EQUAL_TIMES) return { world, differences: [], settledMs: elapsed };
    if (elapsed > withinMs && found.length > 0) return { world, differences: found, settledMs: undefined };
    if (performance.now() - told > 10_000) {
      told = performance.now();
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
