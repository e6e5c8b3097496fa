/**
 * Chaos: a stack of its own, a load of creates, deletes, resets and expiries in both modes through two gateways, and a
 * schedule that kills, pauses and cuts off its processes. Then everything that was promised is counted, and containerd,
 * network namespaces, logs, agents and API must agree exactly.
 *
 * A seed fixes the schedule (which fault, when, on which kind of process) and every caller's decisions. It does not fix
 * the machine: how far a call has come when a process dies, and so which sandbox a later "the oldest" is, differ from run
 * to run. A seed that failed makes the same failure likely, not certain: run it again a few times, or longer.
 */
import { randomInt } from 'node:crypto';
import { messageOf } from '@fsb/api/errors';
import { countRun } from '../support/run-count';
import { ChaosRun } from './chaos-run';
import { ChaosStack } from './chaos-stack';

const DEFAULT_SECONDS = 600;

async function main(): Promise<number> {
  const seed = given('SEED') ?? String(randomInt(1_000_000));
  const seconds = Number(given('DURATION') ?? DEFAULT_SECONDS);
  if (!(seconds > 0)) throw new RangeError('DURATION must be a number of seconds');
  const started = performance.now();
  const say = (text: string): void => {
    console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`);
  };
  say(`seed ${seed}, ${seconds} s: make chaos SEED=${seed} DURATION=${seconds}`);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stop.abort(new Error(signal)));
  const stack = await ChaosStack.prepare();
  const lines: string[] = [];
  const tell = (text: string): void => {
    lines.push(text);
    say(text);
  };
  const run = new ChaosRun(stack, { seed, durationMs: seconds * 1000, say: tell });
  let failed = true;
  try {
    failed = (await run.run(stop.signal)).length > 0;
  } catch (error) {
    say(`broken off: ${messageOf(error)}`);
  } finally {
    await run.close().catch((error: unknown) => say(`closing: ${messageOf(error)}`));
    await stack.end(failed && !stop.signal.aborted);
  }
  if (failed && !stop.signal.aborted) say(`its folder stays: ${stack.root}`);
  countRun(!failed);
  console.log(`chaos seed=${seed} duration=${seconds}: ${lines.at(-1) ?? 'nothing was counted'}`);
  return failed ? 1 : 0;
}

/** make hands on what was not set as an empty text. */
function given(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`chaos: ${messageOf(error)}`);
    process.exitCode = 1;
  },
);
