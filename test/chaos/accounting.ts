import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@fsb/api/errors';
import { differences } from './differences';
import { brokenPromises } from './expectations';
import { type Ledger } from './ledger';
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

/** Looks again and again until nothing differs, or time is up: then what still differs is the result. */
export async function settle(
  readers: Readers,
  ledger: Ledger,
  withinMs: number,
  say: (text: string) => void,
): Promise<Account> {
  const started = performance.now();
  let told = started;
  for (let equal = 0; ;) {
    const { world, found } = await look(readers, ledger);
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

async function look(readers: Readers, ledger: Ledger): Promise<{ world: World | undefined; found: string[] }> {
  try {
    const world = await readWorld(readers);
    const broken = brokenPromises(ledger, world, Date.now());
    return { world, found: [...differences(world, readers.stack.installation), ...broken] };
  } catch (error) {
    return { world: undefined, found: [`not everything can be asked: ${messageOf(error)}`] };
  }
}
