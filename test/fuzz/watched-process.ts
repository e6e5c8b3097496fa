import { readFileSync } from 'node:fs';
import { eventually } from '../support/eventually';
import { memoryOf } from '../support/process-usage';

/** V8 returns memory gradually, once the process is idle. */
const SETTLE_MS = 30_000;

/** A process that must survive without a restart, and hardly grow. */
export class WatchedProcess {
  private readonly startedAt: string;
  private readonly rssMiB: number;

  /** @param pid of a process that is warmed up: its code is compiled, its caches are filled */
  constructor(
    readonly name: string,
    private readonly pid: number,
  ) {
    this.startedAt = startTime(pid);
    this.rssMiB = memoryOf(pid).rssMiB;
  }

  /** @throws when it was restarted, or its memory stays more than `mostMiB` above the start */
  async expectUnharmed(mostMiB: number): Promise<void> {
    expect({ process: this.name, startedAt: startTime(this.pid) }).toEqual({
      process: this.name,
      startedAt: this.startedAt,
    });
    await eventually(
      () => {
        const grownBy = memoryOf(this.pid).rssMiB - this.rssMiB;
        if (grownBy > mostMiB) throw new Error(`${this.name} has grown by ${grownBy.toFixed(0)} MiB`);
      },
      SETTLE_MS,
      1_000,
    );
  }
}

/** Start time in ticks since boot, from the kernel: with the pid it identifies one process for good. */
function startTime(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
