import { cpus, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Compared, type Filled, type MemoryAt, type Result } from './result';
import { type Settings } from './settings';
import { type Cluster } from './stack/cluster';
import { Ledger } from './stack/ledger';
import { metric } from './stack/metric';
import { measureLists } from './steps/lists';
import { Load } from './steps/load';
import { measureLoss } from './steps/loss';
import { makePools } from './steps/pools';
import { measureRestarts } from './steps/restarts';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

/** The whole measurement, step by step. `say` prints progress. */
export class Simulation {
  private readonly ledger: Ledger;
  private readonly load: Load;
  private size = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly settings: Settings,
    private readonly say: (text: string) => void,
  ) {
    this.ledger = new Ledger(cluster);
    this.load = new Load(cluster, settings.pools);
  }

  close(): void {
    this.load.close();
  }

  async run(): Promise<Result> {
    const { agents, sandboxes, small } = this.settings;
    const agentsReadySeconds = await makePools(this.cluster, this.settings);
    await this.ledger.settle(0);
    this.say(`${agents} agents run after ${agentsReadySeconds.toFixed(1)} s`);
    const memory = [await this.memory()];
    const fill: Filled[] = [];
    const compared: Compared[] = [];
    const steps = [small, ...[0.2, 0.5, 1].map((part) => Math.round(sandboxes * part))];
    for (const to of steps) {
      fill.push(await this.fill(to));
      memory.push(await this.memory());
      if (to === small || to === sandboxes) compared.push(await this.compare());
    }
    const lists = await measureLists(this.cluster, this.load);
    this.say(`listed ${lists.items} in ${lists.pages} pages in ${lists.seconds.toFixed(1)} s`);
    const restarts = await measureRestarts(this.cluster, this.load, this.ledger);
    for (const { service, readySeconds, workSeconds } of restarts)
      this.say(
        `${service} ready ${readySeconds.toFixed(1)} s after its kill, at work ${workSeconds.toFixed(1)} s later`,
      );
    const loss = await measureLoss(this.cluster, this.ledger, agents);
    this.say(
      `${loss.agents} agents lost: ${loss.lost} sandboxes Lost, ${loss.recreated} recreated, ${loss.seconds.toFixed(1)} s`,
    );
    return {
      machine: { cores: cpus().length, memoryGiB: Math.round(totalmem() / GIB), node: process.version },
      settings: this.settings,
      ...{ agentsReadySeconds, memory, fill, compared, lists, restarts, loss },
      unexpectedEnds: Object.fromEntries(this.cluster.all.map(({ name, unexpectedEnds }) => [name, unexpectedEnds])),
    };
  }

  private async fill(to: number): Promise<Filled> {
    const from = this.size;
    let createsPerSecond = 0;
    let latencies = { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
    const account = await this.ledger.around(async () => {
      const started = performance.now();
      latencies = await this.load.create(to - from);
      createsPerSecond = ((to - from) * 1000) / (performance.now() - started);
      this.size = to;
      await this.ledger.settle(to);
    });
    this.say(
      `${to} sandboxes: ${createsPerSecond.toFixed(0)} a second, p99 ${latencies.p99Ms.toFixed(0)} ms, settled after ${account.seconds.toFixed(1)} s`,
    );
    return { from, to, createsPerSecond, latencies, account };
  }

  private async compare(): Promise<Compared> {
    const { idleSeconds, changes } = this.settings;
    const idle = await this.ledger.around(() => sleep(idleSeconds * 1000));
    const churn = await this.ledger.around(async () => {
      await this.load.create(changes / 2);
      await this.ledger.settle(this.size + changes / 2);
      await this.load.delete(changes / 2);
      await this.ledger.settle(this.size);
    });
    this.say(`${changes} changes at ${this.size} sandboxes: ${churn.seconds.toFixed(1)} s`);
    return { sandboxes: this.size, idle, changes, churn };
  }

  private async memory(): Promise<MemoryAt> {
    const services: MemoryAt['services'] = Object.fromEntries(
      await Promise.all(
        this.cluster.all.map(async (service) => {
          const heap = metric(await service.metrics(), 'nodejs_heap_size_used_bytes');
          return [service.name, { ...service.memory(), heapMiB: heap / MIB }] as const;
        }),
      ),
    );
    return { sandboxes: this.size, services };
  }
}
