import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type FleetCounts, type FleetOptions, type FleetQuestion } from './fleet-main';

/** Handle of the process with the simulated agents. Questions are sent one at a time. */
export class Fleet {
  private last: Promise<unknown> = Promise.resolve();

  private constructor(private readonly child: ChildProcess) {}

  static async start(program: string, options: FleetOptions): Promise<Fleet> {
    const child = fork(program, ['fleet', JSON.stringify(options)], { execArgv: [] });
    await once(child, 'message');
    return new Fleet(child);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  counts(): Promise<FleetCounts> {
    return this.ask<FleetCounts>({ op: 'counts' });
  }

  /** Loses `count` agents. @returns number of their sandboxes */
  async lose(count: number): Promise<number> {
    return (await this.ask<{ lost: number }>({ op: 'lose', count })).lost;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.send({ op: 'stop' } satisfies FleetQuestion);
    const killTimer = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
    await exited;
    clearTimeout(killTimer);
  }

  private ask<T>(question: FleetQuestion): Promise<T> {
    const answer = this.last.then(async () => {
      const answered = once(this.child, 'message', { signal: AbortSignal.timeout(60_000) });
      this.child.send(question);
      return ((await answered) as [T])[0];
    });
    this.last = answer.catch(() => undefined);
    return answer;
  }
}
