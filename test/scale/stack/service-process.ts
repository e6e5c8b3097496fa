import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { eventually } from '../../support/eventually';
import { type Memory, memoryOf, type Usage, usageOf } from '../../support/process-usage';

export interface ServiceOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly log: string;
  /** host:port of its metrics; absent for the API server */
  readonly http?: string;
  /** @returns undefined once it serves, else the problem */
  readonly health: () => Promise<string | undefined>;
}

const READY_MS = 180_000;
const END_MS = 40_000;
const NO_USAGE: Usage = { cpuSeconds: 0, readBytes: 0, writtenBytes: 0 };

/**
 * One process of the suite, which can be started, measured, killed and started again. It restarts when it ends by
 * itself.
 */
export class ServiceProcess {
  private child: ChildProcess | undefined;
  private isWanted = false;
  /** usage of its earlier lives */
  private past: Usage = NO_USAGE;
  private latest: Usage = NO_USAGE;
  /** exits that were not requested, for example after losing the lease */
  unexpectedEnds = 0;

  constructor(private readonly options: ServiceOptions) {}

  get name(): string {
    return this.options.name;
  }

  /** 0 while it is not running */
  get pid(): number {
    return this.child?.pid ?? 0;
  }

  get hasMetrics(): boolean {
    return this.options.http !== undefined;
  }

  /** @returns milliseconds until ready */
  async start(): Promise<number> {
    const started = performance.now();
    this.isWanted = true;
    this.launch();
    await eventually(
      async () => {
        const problem = await this.options.health();
        if (problem !== undefined) throw new Error(`${this.name}: ${problem}`);
      },
      READY_MS,
      20,
    );
    return performance.now() - started;
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.isWanted = false;
    const { child } = this;
    if (!child) return;
    this.usage();
    const exited = once(child, 'exit');
    child.kill(signal);
    const killTimer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await exited;
    clearTimeout(killTimer);
  }

  /** Usage summed over all its lives. */
  usage(): Usage {
    const pid = this.child?.pid;
    if (pid !== undefined) this.latest = usageOf(pid);
    return {
      cpuSeconds: this.past.cpuSeconds + this.latest.cpuSeconds,
      readBytes: this.past.readBytes + this.latest.readBytes,
      writtenBytes: this.past.writtenBytes + this.latest.writtenBytes,
    };
  }

  memory(): Memory {
    const pid = this.child?.pid;
    if (pid === undefined) throw new Error(`${this.name} does not run`);
    return memoryOf(pid);
  }

  /** Metrics in Prometheus' text format; empty when it has none or does not answer. */
  async metrics(): Promise<string> {
    if (this.options.http === undefined) return '';
    try {
      const response = await fetch(`http://${this.options.http}/metrics`, { signal: AbortSignal.timeout(30_000) });
      return await response.text();
    } catch {
      return '';
    }
  }

  private launch(): void {
    const log = openSync(this.options.log, 'a');
    const child = spawn(process.execPath, [...this.options.args], { stdio: ['ignore', log, log] });
    closeSync(log);
    this.child = child;
    child.once('exit', () => {
      this.child = undefined;
      this.past = this.usage();
      this.latest = NO_USAGE;
      if (!this.isWanted) return;
      this.unexpectedEnds++;
      this.launch();
    });
  }
}
