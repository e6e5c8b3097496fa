import { readFileSync } from 'node:fs';
import { eventually } from '../support/eventually';
import { memoryOf } from '../support/process-usage';

/** V8 gives memory back by and by, once there is nothing to do. */
const SETTLE_MS = 30_000;

/** A process that must be the same afterwards, and hardly larger. */
export class WatchedProcess {
  private readonly startedAt: string;
  private readonly rssMiB: number;

  /** @param pid of a process that has served what makes it grow once: its code is compiled, its caches are filled */
  constructor(
    readonly name: string,
    private readonly pid: number,
  ) {
    this.startedAt = startTime(pid);
    this.rssMiB = memoryOf(pid).rssMiB;
  }

  /** @throws where it was restarted, or has grown by more than `mostMiB` for good */
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

/** The kernel's, in ticks since boot: with the pid it names one process for good. */
function startTime(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
