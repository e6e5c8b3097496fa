import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '../../../../test/support/program';

const MARGIN_MS = 60_000;
const LISTS = 20;
const PAUSE_MS = 20;

export interface Flood {
  readonly endpoint: string;
  readonly connections: number;
  /** at once, of each connection */
  readonly calls: number;
  /** milliseconds, at most */
  readonly ms: number;
  /** what each call shows: one token of so many that nobody has, or always the same; absent: none */
  readonly shows?: readonly ['tokens', count: number] | readonly ['token', token: string];
}

export interface Flooded {
  readonly answered: number;
  /** calls whose token was found to be nobody's */
  readonly nobodys: number;
  readonly closed: number;
}

export async function runFlood({ endpoint, connections, calls, ms, shows }: Flood): Promise<Flooded> {
  const args = [endpoint.split(':')[1], connections, calls, ms, ...(shows ?? [])].map(String);
  return JSON.parse(await runProgram('test/support/stranger-flood-run.ts', args, ms + MARGIN_MS)) as Flooded;
}

/** A known caller's lists, without a flood and then in it. */
export interface FloodedPair extends Flooded {
  readonly quietMs: number;
  readonly floodedMs: number;
}

/** @param list one list, that is answered or throws */
export async function floodedPair(flood: Flood, list: () => Promise<void>): Promise<FloodedPair> {
  const quietMs = await medianMs(list, () => true);
  const state = { isOver: false };
  const run = runFlood(flood).finally(() => (state.isOver = true));
  const floodedMs = await medianMs(list, () => state.isOver);
  return { quietMs, floodedMs, ...(await run) };
}

/** Of several pairs the middle one's: a machine that is busy with something else in one of them does not decide. */
export function medianSlowdown(pairs: readonly FloodedPair[]): number {
  return median(pairs.map(({ quietMs, floodedMs }) => floodedMs / quietMs));
}

async function medianMs(list: () => Promise<void>, isOver: () => boolean): Promise<number> {
  const all: number[] = [];
  while (!isOver() || all.length < LISTS) {
    const began = performance.now();
    await list();
    all.push(performance.now() - began);
    await sleep(PAUSE_MS);
  }
  return median(all);
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
