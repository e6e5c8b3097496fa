import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import { type FleetOptions, runFleet } from '../scale/fleet/fleet-main';
import { BenchStack } from './bench-stack';
import { allocateCase } from './cases/allocate';
import { gatewayAloneCases } from './cases/gateway-alone';
import { guardsCase } from './cases/guards';
import { lifecyclesCase } from './cases/lifecycles';
import { waitingMemoryCase } from './cases/memory';
import { deleteCase, mixedCase, startCase, type StartCase } from './cases/starts';
import { sustainedCase } from './cases/sustained';
import { Drawings } from './drawings/drawings';
import { idleMemoryMs } from './idle-memory';
import { type Measured, resultOf, type Result, table } from './result';
import { echoDoor, echoRoom } from './yardsticks/echo';

const ROOT = resolve(__dirname, '../..');
const RESULTS = join(ROOT, 'test/bench/results.json');
const PICTURES = join(ROOT, 'docs/pictures');
const BURST = 50;
const SUSTAINED_S = 600;

type Case = (stack: () => Promise<BenchStack>) => Promise<readonly Measured[]>;

/** Cases with the targets of issue 4, for two cores. @param share factor for the usual number of rounds */
function casesOf(share: number, drawings: Drawings): ReadonlyMap<string, Case> {
  const rounds = (usual: number): number => Math.max(1, Math.round(usual * share));
  const start = (name: string, usual: number, what: Partial<StartCase> & Pick<StartCase, 'pool'>): [string, Case] => [
    name,
    async (stack) => {
      const options = { yardstick: 'plain', parallel: 1, target: {}, ...what, name, rounds: rounds(usual) } as const;
      const measured = await startCase(await stack(), options);
      drawings.add(measured);
      return [measured];
    },
  ];
  return new Map<string, Case>([
    ...[100, 10_000, 100_000].map((n): [string, Case] => [`allocate-${n}`, () => Promise.resolve([allocateCase(n)])]),
    start('warm-1', 60, { pool: 'warm', target: { p50: 5, p95: 10, ratio: 1 / 12 } }),
    start('warm-1-echo', 20, { pool: 'warm', yardstick: 'echo' }),
    start('warm-1-ctr', 20, { pool: 'warm', yardstick: 'ctr' }),
    start('warm-1-podman', 20, { pool: 'warm', yardstick: 'podman' }),
    start('warm-1-crun', 20, { pool: 'warm', yardstick: 'crun' }),
    start('warm-1-runc', 20, { pool: 'warm', yardstick: 'runc' }),
    ['guards', async (stack) => [await guardsCase(await stack(), rounds(60))]],
    start('warm-burst-50', 3, { pool: 'warm', parallel: BURST, target: { p99: 80 } }),
    start('first-output', 40, { pool: 'warm', until: 'output', target: { p50: 10 } }),
    start('strong', 40, { pool: 'warm', until: 'STRONG', target: { p50: 20 } }),
    start('cold-1', 40, { pool: 'cold', target: { ratio: 0.75 } }),
    start('cold-4', 10, { pool: 'cold', parallel: 4, target: { ratio: 0.75 } }),
    start('cold-16', 3, { pool: 'cold', parallel: 16, target: { ratio: 0.75 } }),
    ['mixed', async (stack) => [await mixedCase(await stack(), rounds(60), BURST)]],
    ['lifecycles', async (stack) => [await lifecyclesCase(await stack(), rounds(5))]],
    ['delete', async (stack) => [await deleteCase(await stack(), rounds(20))]],
    ['waiting-memory', async (stack) => [await waitingMemoryCase(await stack(), BURST)]],
    ['sustained', async (stack) => sustainedCase(await stack(), SUSTAINED_S * share, BURST)],
    ['gateway-alone', () => gatewayAloneCases(rounds(5))],
  ]);
}

async function measure(cases: ReadonlyMap<string, Case>, chosen: readonly string[]): Promise<Result[]> {
  const results: Result[] = [];
  let running: Promise<BenchStack> | undefined;
  const stack = (): Promise<BenchStack> => (running ??= BenchStack.start(BURST));
  const end = async (): Promise<void> => {
    const ending = running;
    running = undefined;
    await (await ending)?.end();
  };
  const interrupted = onInterrupt(end);
  try {
    for (const name of chosen) {
      if (interrupted.aborted) break;
      console.log(`measuring ${name} ...`);
      if (name === 'gateway-alone') await end(); // it must run without the stack
      try {
        const measured = ((await cases.get(name)?.(stack)) ?? []).map((one) => resultOf(one));
        results.push(...measured);
        console.log(table(measured).split('\n').slice(1).join('\n'));
      } catch (error) {
        console.error(`${name} could not be measured:`, error);
        process.exitCode = 1;
      }
    }
  } finally {
    await end();
  }
  return results;
}

/** Ends what was started, then this process, at SIGINT or SIGTERM; else a whole stack would stay behind. */
function onInterrupt(end: () => Promise<void>): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.error(`${signal}: ending what was started ...`);
      interrupted.abort();
      void end().finally(() => process.exit(1));
    });
  }
  return interrupted.signal;
}

/** Roles of this program in the child processes that it forks. */
const SIDE_PROCESSES: ReadonlyMap<string, (options: string) => Promise<void>> = new Map([
  ['fleet', (options: string) => runFleet(JSON.parse(options) as FleetOptions)], // written by Fleet.start
  ['echo-door', () => echoDoor(__filename)],
  ['echo-room', () => echoRoom()],
]);

async function main([what = '', options = '']: readonly string[]): Promise<void> {
  const sideProcess = SIDE_PROCESSES.get(what);
  if (sideProcess) {
    await sideProcess(options);
    return;
  }
  const [cpu] = cpus();
  const idle = `4,000 pages that slept a second: ${(await idleMemoryMs()).toPrecision(2)} ms`;
  const machine = `${cpus().length} cores (${cpu?.model ?? ''}), Linux ${release()}, Node ${process.versions.node}; ${idle}`;
  const drawings = new Drawings(machine);
  const cases = casesOf(Number(given('SHARE') ?? 1), drawings);
  const chosen = given('CASES')?.split(',') ?? [...cases.keys()];
  const unknown = chosen.find((name) => !cases.has(name));
  if (unknown !== undefined)
    throw new RangeError(`CASES: ${unknown} is unknown; known are ${[...cases.keys()].join(', ')}`);
  const results = await measure(cases, chosen);
  console.log(`\n${machine}\n${table(results)}`);
  if (given('CASES') !== undefined) return;
  writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
  mkdirSync(PICTURES, { recursive: true });
  for (const [name, picture] of drawings.all()) writeFileSync(join(PICTURES, name), picture);
}

/** Value of an environment variable; make passes an unset variable as an empty string. */
function given(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
