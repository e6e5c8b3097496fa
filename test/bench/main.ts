import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import { allocateCase } from './allocate-case';
import { BenchStack } from './bench-stack';
import { type Measured, resultOf, table } from './result';
import { deleteCase, startCase } from './start-cases';

const OUT = join(resolve(__dirname, '../..'), 'test/bench/results.json');
const BURST = 50;

type Case = (stack: () => Promise<BenchStack>) => Promise<Measured>;

/** The targets are those of issue 4, on two cores. @param share of the usual number of rounds */
function casesOf(share: number): ReadonlyMap<string, Case> {
  const rounds = (usual: number): number => Math.max(1, Math.round(usual * share));
  const warm = { pool: 'warm', yardstick: 'plain' } as const;
  const cold = { pool: 'cold', yardstick: 'plain' } as const;
  const start = (what: Parameters<typeof startCase>[1]): [string, Case] => [
    what.name,
    async (stack) => startCase(await stack(), what),
  ];
  return new Map<string, Case>([
    ...[100, 10_000, 100_000].map((n): [string, Case] => [`allocate-${n}`, () => Promise.resolve(allocateCase(n))]),
    start({ name: 'warm-1', ...warm, parallel: 1, rounds: rounds(60), target: { p50: 5, p95: 10, ratio: 1 / 12 } }),
    start({ name: 'warm-1-ctr', ...warm, yardstick: 'ctr', parallel: 1, rounds: rounds(20), target: {} }),
    start({ name: 'warm-burst-50', ...warm, parallel: BURST, rounds: rounds(3), target: { p99: 80 } }),
    start({ name: 'first-output', ...warm, until: 'output', parallel: 1, rounds: rounds(40), target: { p50: 10 } }),
    start({ name: 'strong', ...warm, until: 'STRONG', parallel: 1, rounds: rounds(40), target: { p50: 20 } }),
    start({ name: 'cold-1', ...cold, parallel: 1, rounds: rounds(40), target: { ratio: 0.75 } }),
    start({ name: 'cold-4', ...cold, parallel: 4, rounds: rounds(10), target: { ratio: 0.75 } }),
    start({ name: 'cold-16', ...cold, parallel: 16, rounds: rounds(3), target: { ratio: 0.75 } }),
    ['delete', async (stack) => deleteCase(await stack(), rounds(20), {})],
  ]);
}

async function main(): Promise<void> {
  const cases = casesOf(Number(given('SHARE') ?? 1));
  const chosen = given('CASES')?.split(',') ?? [...cases.keys()];
  const unknown = chosen.find((name) => !cases.has(name));
  if (unknown !== undefined) throw new RangeError(`CASES: no ${unknown} among ${[...cases.keys()].join(', ')}`);
  let running: Promise<BenchStack> | undefined;
  const stack = (): Promise<BenchStack> => (running ??= BenchStack.start(BURST));
  const results = [];
  try {
    for (const name of chosen) {
      console.log(`measures ${name} ...`);
      const measured = await cases.get(name)?.(stack);
      if (measured) results.push(resultOf(measured));
    }
  } finally {
    await (await running)?.end();
  }
  const [cpu] = cpus();
  console.log(`\n${cpus().length} cores (${cpu?.model ?? ''}), Linux ${release()}, Node ${process.versions.node}`);
  console.log(table(results));
  if (given('CASES') === undefined) writeFileSync(OUT, `${JSON.stringify(results, undefined, 2)}\n`);
}

/** make hands on what was not set as an empty text. */
function given(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
