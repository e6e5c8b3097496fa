import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '../../../../test/support/program';

const MARGIN_MS = 60_000;
const LISTS = 20;
const PAUSE_MS = 20;

export interface Flood {
  readonly endpoint: string;
  readonly connections: number;
  /** concurrent calls of each connection */
  readonly calls: number;
  /** longest duration, in milliseconds */
  readonly ms: number;
  /** token of each call: one of `count` unknown ones, or always the same; absent: none */
  readonly shows?: readonly ['tokens', count: number] | readonly ['token', token: string];
}

export interface Flooded {
  /** calls that were answered */
  readonly answered: number;
  /** calls that were answered UNAUTHENTICATED */
  readonly nobodys: number;
  /** connections that the gateway closed */
  readonly closed: number;
}

export async function runFlood({ endpoint, connections, calls, ms, shows }: Flood): Promise<Flooded> {
  const args = [endpoint.split(':')[1], connections, calls, ms, ...(shows ?? [])].map(String);
  return JSON.parse(await runProgram('test/support/stranger-flood-run.ts', args, ms + MARGIN_MS)) as Flooded;
}

/** Median milliseconds of a known caller's list without a flood and in it. */
export interface FloodedPair extends Flooded {
  readonly quietMs: number;
  readonly floodedMs: number;
}

/** Measures lists before and during a flood. @param list does one list; throws when it fails */
export async function floodedPair(flood: Flood, list: () => Promise<void>): Promise<FloodedPair> {
  const quietMs = await medianMs(list, () => true);
  const state = { isOver: false };
  const run = runFlood(flood).finally(() => (state.isOver = true));
  const floodedMs = await medianMs(list, () => state.isOver);
  return { quietMs, floodedMs, ...(await run) };
}

/** Median slowdown of several pairs, so that one pair on a busy machine does not decide. */
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
