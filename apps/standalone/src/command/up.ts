import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildId } from '../build-id';
import { appEntry, files, type Layout } from '../layout';
import { endProcess, identify, isAlive, type ProcessIdentity } from '../process-identity';
import { type GivenSettings, resolveSettings, saveSettings } from '../settings';
import { flagOf, settingsChange } from '../settings-change';
import { readText } from '../state-file';
import { readChoice } from '../supervisor/choice';
import { runningSupervisor } from '../supervisor/supervisor-lock';
import { isHealthy, type ProcessRow, processRows } from './process-rows';
import { Progress } from './progress';

const UP_MS = 120_000;
/** Time for a supervisor to end when it hands its processes over to the next one. */
const HAND_OVER_MS = 20_000;
const POLL_MS = 150;
const LOG_LINES = 8;

/**
 * Starts the supervisor, or restarts it when settings or the build have changed, and waits until everything is healthy.
 * @returns the exit code
 */
export async function up(layout: Layout, given: GivenSettings): Promise<number> {
  const progress = new Progress();
  const settings = resolveSettings(layout, given); // invalid settings fail here, not in a log
  let running = runningSupervisor(layout);
  if (running) {
    const { changes: others, refusal } = settingsChange(resolveSettings(layout, {}), settings);
    const changes = readText(files.build(layout)) === buildId() ? others : [...others, 'the build'];
    if (refusal !== undefined) {
      process.stderr.write(`error: ${refusal}\n`);
      return 1;
    }
    if (changes.length > 0) progress.line(`changes ${changes.join(', ')}; sandboxes run on`);
    else progress.line(`supervisor runs already (process ${running.pid})`);
    if (changes.length > 0) {
      await handOver(running);
      saveSettings(layout, settings); // processRows below expects the new settings
      running = undefined;
    }
  }
  const supervisor = running ?? (await startSupervisor(layout, given));
  const rows = await untilServing(layout, supervisor, progress);
  if (!rows.every(isHealthy)) {
    printFailure(layout, rows);
    return 1;
  }
  for (const { name, address } of rows) if (address !== undefined) progress.line(`${name}: ${address}`);
  return 0;
}

/** Ends the supervisor alone. The next one adopts processes with unchanged settings and restarts the others. */
function handOver(supervisor: ProcessIdentity): Promise<void> {
  return endProcess(supervisor, HAND_OVER_MS, 'SIGHUP');
}

/**
 * @returns undefined when it has ended already
 * @throws Error when no process could be made
 */
async function startSupervisor(layout: Layout, given: GivenSettings): Promise<ProcessIdentity | undefined> {
  mkdirSync(layout.log, { recursive: true });
  const log = openSync(files.serviceLog(layout, 'supervisor'), 'a', 0o640);
  // absolute: the supervisor's working folder is /
  const settings = given.kubeconfig === undefined ? given : { ...given, kubeconfig: resolve(given.kubeconfig) };
  const flags = Object.entries(settings).flatMap(([key, value]) => [flagOf(key), value]);
  const root = layout.root === undefined ? [] : ['--root', layout.root];
  const args = [appEntry('standalone'), 'supervisor', ...root, ...flags];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log], cwd: '/' });
  closeSync(log);
  await once(child, 'spawn'); // rejects with the reason when it does not start
  child.unref();
  return child.pid === undefined ? undefined : identify(child.pid);
}

/** @returns the last rows: all healthy, unless the supervisor ended or time ran out */
async function untilServing(
  layout: Layout,
  supervisor: ProcessIdentity | undefined,
  progress: Progress,
): Promise<ProcessRow[]> {
  const printed = new Set<string>();
  const build = buildId();
  const deadline = performance.now() + UP_MS;
  for (;;) {
    const rows = (await processRows(layout, build)).filter(({ name }) => !name.startsWith('agent/'));
    printChoice(layout, printed, progress);
    for (const { name } of rows.filter(isHealthy)) {
      if (!printed.has(name)) progress.line(`${name} is ready`);
      printed.add(name);
    }
    if (rows.length > 1 && rows.every(isHealthy)) return rows;
    // when two supervisors start at once one gives way; both callers then wait for the other one
    const runs = [supervisor, runningSupervisor(layout)].some((each) => each && isAlive(each));
    if (!runs || performance.now() > deadline) return rows;
    const waiting = rows.filter((row) => !isHealthy(row)).map(({ name, health }) => `${name} (${health})`);
    progress.waiting(waiting.join(', '));
    await sleep(POLL_MS);
  }
}

function printFailure(layout: Layout, rows: readonly ProcessRow[]): void {
  const started = rows.filter(({ state, restarts }) => state === 'running' || restarts > 0);
  const names = ['supervisor', ...started.filter((row) => !isHealthy(row)).map(({ name }) => name)];
  for (const name of new Set(names)) {
    const tail = (readText(files.serviceLog(layout, name)) ?? '').trimEnd().split('\n').slice(-LOG_LINES).join('\n');
    if (tail !== '') process.stderr.write(`--- ${files.serviceLog(layout, name)}\n${tail}\n`);
  }
  process.stderr.write(`the stack is not healthy; see the logs in ${layout.log}\n`);
}

function printChoice(layout: Layout, printed: Set<string>, progress: Progress): void {
  const choice = readChoice(layout);
  if (choice?.runtime === undefined || printed.has('choice')) return;
  const { containerd, runtime } = choice;
  progress.line(`containerd: ${containerd.socket} (${containerd.reason})`);
  progress.line(`runtime: ${runtime.name} (${runtime.reason})`);
  printed.add('choice');
}
