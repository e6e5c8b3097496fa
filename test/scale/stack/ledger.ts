import { type Cluster } from './cluster';
import { metric } from './metric';

/** Counters of one process over a period. */
export interface Work {
  readonly cpuSeconds: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reconciles: number;
  /** calls of the Kubernetes API */
  readonly requests: number;
  /** list calls among them, one per page */
  readonly lists: number;
}

export interface Account {
  readonly seconds: number;
  readonly services: Readonly<Record<string, Work>>;
  /** requests to agents, by path */
  readonly agents: Readonly<Record<string, number>>;
}

/** Reads the counters of every process; the difference of two readings is the work in between. */
export class Ledger {
  constructor(private readonly cluster: Cluster) {}

  async read(): Promise<Account> {
    const services: Record<string, Work> = {};
    for (const service of this.cluster.all) {
      // before the metrics request, which itself costs CPU time
      const usage = service.usage();
      const text = await service.metrics();
      services[service.name] = {
        ...usage,
        reconciles: metric(text, 'controller_runtime_reconcile_total'),
        requests: metric(text, 'rest_client_requests_total'),
        lists: metric(text, 'rest_client_requests_total', { verb: 'list' }),
      };
    }
    const { requests } = await this.cluster.fleet.counts();
    return { seconds: performance.now() / 1000, services, agents: requests };
  }

  async around(work: () => Promise<void>): Promise<Account> {
    const before = await this.read();
    await work();
    return difference(await this.read(), before);
  }

  /** Waits until all queues are empty, every sandbox is bound, and two readings a second apart are equal. */
  async settle(sandboxes: number): Promise<void> {
    const deadline = Date.now() + SETTLE_MS;
    let last = '';
    for (;;) {
      const [state, calm] = await this.state(sandboxes);
      if (calm && state === last) return;
      if (Date.now() > deadline) throw new Error(`not settled: ${state}`);
      last = state;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  private async state(sandboxes: number): Promise<[string, boolean]> {
    const counts = await this.cluster.fleet.counts();
    const texts = await Promise.all(this.cluster.all.map((service) => service.metrics()));
    const sum = (name: string): number => texts.reduce((total, text) => total + metric(text, name), 0);
    const waiting = sum('workqueue_depth') + sum('fastpath_pending_records');
    const state = { ...counts, requests: undefined, waiting, reconciles: sum('controller_runtime_reconcile_total') };
    const silent = this.cluster.all.some(({ hasMetrics }, index) => hasMetrics && texts[index] === '');
    return [JSON.stringify(state), !silent && waiting === 0 && counts.unbound === 0 && counts.sandboxes === sandboxes];
  }
}

const SETTLE_MS = 900_000;
const PAUSE_MS = 1_000;

function difference(after: Account, before: Account): Account {
  const services = Object.entries(after.services).map(([name, work]) => [name, less(work, before.services[name])]);
  return {
    seconds: after.seconds - before.seconds,
    services: Object.fromEntries(services) as Account['services'], // the same names with the same fields
    agents: less(after.agents, before.agents),
  };
}

function less<T extends object>(after: T, before: T | undefined): T {
  const start = (before ?? {}) as Record<string, number>;
  const entries = Object.entries(after as Record<string, number>).map(([key, value]) => [
    key,
    value - (start[key] ?? 0),
  ]);
  return Object.fromEntries(entries) as T; // the same fields, all of them numbers
}
