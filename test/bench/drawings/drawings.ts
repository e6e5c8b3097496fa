import { type MeasuredStarts } from '../cases/starts';
import { latencyChart, type Series } from './latency-chart';
import { type Creates, stageChart } from './stage-chart';

/** Cases whose own starts are drawn, with their labels; below, cases whose yardsticks are drawn. */
const OURS: Readonly<Record<string, string>> = { 'warm-1': 'Fast Sandbox, warm', 'cold-1': 'Fast Sandbox, cold' };
const YARDSTICKS: ReadonlySet<string> = new Set([
  'warm-1',
  'warm-1-ctr',
  'warm-1-podman',
  'warm-1-crun',
  'warm-1-runc',
]);

/** The README's pictures of the results of this run. */
export class Drawings {
  private readonly ours: Series[] = [];
  private readonly yardsticks: Series[] = [];
  private readonly creates: Creates[] = [];

  constructor(private readonly machine: string) {}

  add({ name, ours, yardstick, stages }: MeasuredStarts): void {
    const own = OURS[name];
    if (own !== undefined) {
      this.ours.push({ name: own, values: ours });
      this.creates.push({ name: own, stages });
    }
    if (yardstick && YARDSTICKS.has(name)) this.yardsticks.push(yardstick);
  }

  /** SVG texts by file name. */
  all(): ReadonlyMap<string, string> {
    const starts = [...this.ours, ...this.yardsticks];
    return new Map([
      ['latency.svg', latencyChart('From the call to the process running, one at a time', this.machine, starts)],
      ['stages.svg', stageChart('Where the time of a create goes, one at a time: medians', this.machine, this.creates)],
    ]);
  }
}
