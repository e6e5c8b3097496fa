import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@fsb/api/errors';
import { type Logger } from 'pino';
import { BackOff } from '../back-off';
import { endReason, logTail, type ProcessEnd } from '../last-end';
import { files, type Layout } from '../layout';
import { machineLoad } from '../machine';
import { endProcess, identify, isAlive, untilEnded } from '../process-identity';
import { removeFile, writeJson } from '../state-file';
import { untilUnresponsive } from './liveness';
import { LIVENESS } from './liveness-plan';
import { type ProcessRecord, readRecord } from './process-record';
import { type SupervisedService } from './services';

/** Restarts of a first process. */
const NO_RESTARTS = 0;
/** Between SIGTERM and SIGKILL of an unresponsive process, which is not expected to finish its work. */
const UNRESPONSIVE_GRACE_MS = 5_000;

/**
 * Runs one service. Its process has a session of its own, so that it outlives the supervisor; the next supervisor
 * adopts it by its record. It is restarted with back-off when it ends, and killed when it fails its liveness probes.
 */
export class SupervisedProcess {
  private readonly stopping = new AbortController();
  private readonly backOff = new BackOff({ firstMs: 200, lastMs: 10_000, healthyMs: 30_000 });
  private loop: Promise<void> | undefined;
  private current: ProcessRecord | undefined;
  /** exit of the process started last by this supervisor */
  private end: ProcessEnd | undefined;
  /** why this supervisor killed the process */
  private verdict: string | undefined;

  constructor(
    private readonly layout: Layout,
    readonly definition: SupervisedService,
    private readonly logger: Logger,
    private readonly liveness = LIVENESS,
  ) {}

  /** Resolves when the process exists; `definition.health` tells when it serves. */
  async start(): Promise<void> {
    this.current = (await this.adopt()) ?? this.launch(NO_RESTARTS);
    this.loop = this.keepRunning();
  }

  /** Stops supervision. The process keeps running. */
  async release(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  async stop(): Promise<void> {
    await this.release();
    if (this.current) await endProcess(this.current.process, this.definition.graceMs);
    removeFile(files.process(this.layout, this.definition.name));
  }

  private async adopt(): Promise<ProcessRecord | undefined> {
    const { name, command, build } = this.definition;
    const record = readRecord(this.layout, name);
    if (!record || !isAlive(record.process)) return undefined;
    const isSame = JSON.stringify(record.command) === JSON.stringify(command);
    if (isSame && record.build === build) {
      this.logger.info({ msg: 'adopted', target: name, child: record.process.pid });
      return record;
    }
    const why = isSame ? 'from another build' : 'with other settings';
    this.logger.info({ msg: `ending it: it was started ${why}`, target: name, child: record.process.pid });
    await endProcess(record.process, this.definition.graceMs);
    return undefined;
  }

  private async keepRunning(): Promise<void> {
    while (!this.isStopping()) {
      if (this.current) await this.untilOver(this.current);
      if (!this.isStopping()) await this.startAgain();
    }
  }

  private async untilOver(record: ProcessRecord): Promise<void> {
    const over = new AbortController();
    const watched = this.endUnresponsive(record, over.signal);
    await untilEnded(record.process, this.stopping.signal);
    over.abort();
    await watched;
  }

  private async endUnresponsive({ process, startedAt }: ProcessRecord, signal: AbortSignal): Promise<void> {
    const { name, alive } = this.definition;
    if (!alive) return;
    const limits = this.liveness;
    const refusal = await untilUnresponsive({ alive, startedAt, limits }, signal);
    if (refusal === undefined) return;
    this.verdict = `no answer to ${limits.misses} probes of ${limits.everyMs / 1000} s in a row (${refusal}); ${machineLoad()}`;
    this.logger.error({ msg: 'does not answer, ending it', target: name, child: process.pid, reason: this.verdict });
    try {
      await endProcess(process, UNRESPONSIVE_GRACE_MS);
    } catch (error) {
      this.logger.error({ msg: 'cannot end', target: name, error: messageOf(error) });
    }
  }

  private async startAgain(): Promise<void> {
    const { startedAt = Date.now(), restarts = NO_RESTARTS } = this.current ?? {};
    const delayMs = this.backOff.nextDelayMs(Date.now() - startedAt);
    const { name } = this.definition;
    const tail = logTail(files.serviceLog(this.layout, name));
    await sleep(delayMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    // after the delay a child's exit event has arrived; the loop saw its end in /proc before it
    const lastEnd = this.verdict ?? endReason(this.end, tail);
    this.logger.warn({
      msg: 'ended, starting it again',
      target: name,
      restarts: restarts + 1,
      delayMs,
      reason: lastEnd,
    });
    if (!this.isStopping()) this.current = this.tryLaunch(restarts + 1, lastEnd);
  }

  /** A function, since TypeScript's narrowing ignores that the signal changes during an await. */
  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Launches without throwing: a failed fork must not end the supervisor. The loop retries. */
  private tryLaunch(restarts: number, lastEnd: string): ProcessRecord | undefined {
    try {
      return this.launch(restarts, lastEnd);
    } catch (error) {
      this.logger.error({ msg: 'cannot start', target: this.definition.name, error: messageOf(error) });
      return this.current && { ...this.current, restarts, lastEnd };
    }
  }

  private launch(restarts: number, lastEnd?: string): ProcessRecord {
    const { name, command, env, build } = this.definition;
    const [file = '', ...args] = command;
    const path = files.serviceLog(this.layout, name);
    mkdirSync(dirname(path), { recursive: true });
    const log = openSync(path, 'a', 0o640);
    try {
      const child = spawn(file, args, { stdio: ['ignore', log, log], detached: true, cwd: '/', env });
      child.on('error', () => undefined); // reported below: there is no pid
      this.end = undefined;
      this.verdict = undefined;
      child.once('exit', (code, signal) => {
        this.end = { code, signal };
      });
      child.unref();
      const process = child.pid === undefined ? undefined : identify(child.pid);
      if (!process) throw new Error(`${file} did not start`);
      const record = { name, process, command: [...command], build, startedAt: Date.now(), restarts, lastEnd };
      writeJson(files.process(this.layout, name), record);
      return record;
    } finally {
      closeSync(log);
    }
  }
}
