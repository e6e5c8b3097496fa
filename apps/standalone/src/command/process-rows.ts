import { hostname } from 'node:os';
import { buildId } from '../build-id';
import { files, type Layout } from '../layout';
import { podRecord } from '../node/pod-record';
import { probe } from '../probe';
import { isAlive, type ProcessIdentity } from '../process-identity';
import { resolveSettings } from '../settings';
import { readJson } from '../state-file';
import { readChoice } from '../supervisor/choice';
import { containerdRefusal } from '../supervisor/containerd-choice';
import { listJson, type ProcessRecord, readRecord } from '../supervisor/process-record';
import { type SupervisedService, serviceDefinitions } from '../supervisor/services';
import { runningSupervisor } from '../supervisor/supervisor-lock';

export interface ProcessRow {
  readonly name: string;
  readonly pid?: number;
  readonly state: 'running' | 'stopped' | 'external';
  readonly restarts: number;
  /** reason of its last end */
  readonly lastEnd?: string | undefined;
  /** `ok`, or what is wrong */
  readonly health: string;
  readonly uptimeSeconds?: number;
  readonly address?: string;
}

/**
 * State of every process of this installation, from the records and /proc; it does not depend on a supervisor.
 * @param build build id that the services should run
 */
export async function processRows(layout: Layout, build = buildId()): Promise<ProcessRow[]> {
  const choice = readChoice(layout);
  const definitions = choice
    ? serviceDefinitions({ layout, settings: resolveSettings(layout, {}), choice, build })
    : [];
  const external = choice && !choice.containerd.private ? [await externalContainerd(choice.containerd.socket)] : [];
  const services = await Promise.all(definitions.map((definition) => serviceRow(layout, definition)));
  return [supervisorRow(layout), ...external, ...services, ...(await podRows(layout))];
}

export function isHealthy({ health }: ProcessRow): boolean {
  return health === 'ok';
}

function supervisorRow(layout: Layout): ProcessRow {
  const process = runningSupervisor(layout);
  return process
    ? { name: 'supervisor', pid: process.pid, state: 'running', restarts: 0, health: 'ok', ...uptime(process) }
    : { name: 'supervisor', state: 'stopped', restarts: 0, health: 'not running' };
}

async function externalContainerd(socket: string): Promise<ProcessRow> {
  const health = (await containerdRefusal(socket)) ?? 'ok';
  return { name: 'containerd', state: 'external', restarts: 0, health, address: socket };
}

async function serviceRow(layout: Layout, definition: SupervisedService): Promise<ProcessRow> {
  const { name, health, address } = definition;
  const record = readRecord(layout, name);
  const where = address === undefined ? {} : { address };
  if (!record || !isAlive(record.process)) {
    return {
      name,
      state: 'stopped',
      restarts: record?.restarts ?? 0,
      lastEnd: record?.lastEnd,
      health: 'not running',
      ...where,
    };
  }
  const { process, restarts, lastEnd } = record;
  const answer = outdated(record, definition) ?? (await health()) ?? 'ok';
  return { name, pid: process.pid, state: 'running', restarts, lastEnd, health: answer, ...uptime(process), ...where };
}

/** Difference to the process that the next `up` would start; undefined when there is none. */
function outdated(record: ProcessRecord, { command, build }: SupervisedService): string | undefined {
  if (JSON.stringify(record.command) !== JSON.stringify(command)) return 'runs with earlier settings';
  return record.build === build ? undefined : 'runs another build';
}

/** Agent Pods, which the node runs, not the supervisor. */
async function podRows(layout: Layout): Promise<ProcessRow[]> {
  const records = listJson(files.pods(layout)).flatMap((path) => readJson(path, podRecord) ?? []);
  return Promise.all(
    records.map(async ({ name: pod, restarts, lastEnd, process, ip, port }): Promise<ProcessRow> => {
      const name = `agent/${pod}`;
      if (!process || !isAlive(process)) return { name, state: 'stopped', restarts, lastEnd, health: 'not running' };
      const health = (await probe(`http://${ip ?? hostname()}:${port}/readyz`)) ?? 'ok';
      return { name, pid: process.pid, state: 'running', restarts, lastEnd, health, ...uptime(process) };
    }),
  );
}

/** USER_HZ, the same on every Linux architecture that Node supports */
const TICKS_PER_SECOND = 100;

function uptime({ startTime }: ProcessIdentity): { uptimeSeconds: number } {
  const now = process.hrtime.bigint(); // CLOCK_MONOTONIC counts from boot, as startTime does
  return { uptimeSeconds: Math.max(0, Math.round(Number(now / 1_000_000_000n) - startTime / TICKS_PER_SECOND)) };
}
