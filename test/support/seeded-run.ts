import { randomInt } from 'node:crypto';
import { messageOf } from '@fsb/api/errors';
import { type MachineStack } from './machine-stack';
import { countRun } from './run-count';

export interface RunOptions {
  readonly seed: string;
  readonly durationMs: number;
  readonly say: (text: string) => void;
}

export interface Run {
  /** @returns whether no fault was found. @throws when the run cannot continue, or `stop` ended it */
  run(stop: AbortSignal): Promise<boolean>;
  /** Closes what the run opened. The stack is ended afterwards. */
  close(): Promise<void>;
}

export interface RunKind {
  /** name of the make target */
  readonly name: string;
  readonly defaultSeconds: number;
  prepare(): Promise<MachineStack>;
  begin(stack: MachineStack, options: RunOptions): Run;
}

/**
 * Runs one seed on its own stack, then exits with 0 or 1. SEED and DURATION (seconds) come from the environment.
 * SIGINT, SIGTERM and SIGHUP end the run and its stack. The folder of a failed run's stack is kept.
 */
export function runSeed(kind: RunKind): void {
  oneSeed(kind).then(
    // exit at once: calls of an interrupted run may still wait for their deadlines
    (code) => process.exit(code),
    (error: unknown) => {
      console.error(`${kind.name}: ${messageOf(error)}`);
      process.exit(1);
    },
  );
}

async function oneSeed(kind: RunKind): Promise<number> {
  const { name, defaultSeconds } = kind;
  const seed = given('SEED') ?? String(randomInt(1_000_000));
  const seconds = Number(given('DURATION') ?? defaultSeconds);
  if (!(seconds > 0)) throw new RangeError('DURATION must be a number of seconds');
  const started = performance.now();
  const lines: string[] = [];
  const say = (text: string): void => {
    lines.push(text);
    console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`);
  };
  say(`seed ${seed}, ${seconds} s: make ${name} SEED=${seed} DURATION=${seconds}`);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stop.abort(new Error(signal)));
  const stack = await kind.prepare();
  const run = kind.begin(stack, { seed, durationMs: seconds * 1000, say });
  let failed = true;
  try {
    failed = !(await run.run(stop.signal));
  } catch (error) {
    say(`broken off: ${messageOf(error)}`);
  }
  const summary = lines.at(-1) ?? '';
  await run.close().catch((error: unknown) => say(`closing: ${messageOf(error)}`));
  await stack.end(failed && !stop.signal.aborted);
  if (failed && !stop.signal.aborted) say(`folder kept: ${stack.root}`);
  countRun(!failed);
  console.log(`${name} seed=${seed} duration=${seconds}: ${summary}`);
  return failed ? 1 : 0;
}

/** Value of an environment variable; make sets a variable that was not given to the empty string. */
function given(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}
