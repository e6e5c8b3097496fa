import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { CreateRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { RESOURCE_QUOTA_KIND } from '@fsb/controller-runtime/kinds';
import { ROOMY_QUOTA } from '../roomy-quota';
import { settingsOf } from '../../scale/settings';
import { Cluster } from '../../scale/stack/cluster';
import { type ServiceProcess } from '../../scale/stack/service-process';
import { metric } from '../../scale/stack/metric';
import { poolName } from '../../scale/steps/load';
import { makePools } from '../../scale/steps/pools';
import { eventually } from '../../support/eventually';
import { GatewayClient } from '../../support/gateway-client';
import { type Measured } from '../result';
import { timed } from '../timed';

const IN_FLIGHT = 16;
const CALL_MS = 30_000;
const DRAIN_MS = 120_000;
/** Enough simulated agents and slots for all creates. */
const WORLD = { AGENTS: '20', SANDBOXES: '60000' };

/**
 * Creates per second of the gateway's own CPU time. The gateway has one core; API server, simulated agents and client
 * share another and cannot saturate it. Measured twice: until all objects are written, and with the API server stopped,
 * so that none is written.
 */
export async function gatewayAloneCases(rounds: number): Promise<Measured[]> {
  if (cpus().length < 2) throw new Error('gateway-alone needs two cores: one for the gateway, one for everything else');
  const settings = settingsOf({ ...WORLD, PROFILE: process.env['PROFILE'] });
  const cluster = await Cluster.start(settings);
  const client = new GatewayClient(1, cluster.endpoint, cluster.credentials);
  try {
    await cluster.kube.create(RESOURCE_QUOTA_KIND, ROOMY_QUOTA);
    await makePools(cluster, settings);
    const gateway = cluster.services['fastpath-gateway'];
    for (const pid of [process.pid, cluster.fleet.pid, ...cluster.all.map((service) => service.pid)]) {
      pin(pid, pid === gateway.pid ? '0' : '1');
    }
    const load = new GatewayLoad(client, gateway);
    await load.begins();
    await load.round(1_000, true); // warm-up
    const written = await load.rounds(rounds, 1_000, true);
    process.kill(cluster.services.apiserver.pid, 'SIGSTOP');
    const bare = await load.rounds(rounds, 3_000, false).finally(() => {
      process.kill(cluster.services.apiserver.pid, 'SIGCONT');
    });
    return [
      { name: 'gateway-alone', unit: 'per CPU s', ours: bare.rates, target: { p50: { least: 2_000 } } },
      { name: 'gateway-alone-latency', unit: 'ms', ours: bare.took, target: { p99: 50 } },
      { name: 'gateway-objects', unit: 'per CPU s', ours: written.rates, target: { p50: { least: 500 } } },
      { name: 'gateway-objects-latency', unit: 'ms', ours: written.took, target: { p99: 50 } },
    ];
  } finally {
    pin(process.pid, `0-${cpus().length - 1}`);
    client.close();
    await cluster.stop();
  }
}

interface Load {
  /** creates per second of CPU time, one value per round */
  readonly rates: number[];
  /** milliseconds, one value per create */
  readonly took: number[];
}

class GatewayLoad {
  private made = 0;

  constructor(
    private readonly client: GatewayClient,
    private readonly gateway: ServiceProcess,
  ) {}

  async rounds(rounds: number, creates: number, untilWritten: boolean): Promise<Load> {
    const load: Load = { rates: [], took: [] };
    for (let round = 0; round < rounds; round++) {
      const { rate, took } = await this.round(creates, untilWritten);
      load.rates.push(rate);
      load.took.push(...took);
    }
    return load;
  }

  async round(creates: number, untilWritten: boolean): Promise<{ rate: number; took: number[] }> {
    const took: number[] = [];
    let left = creates;
    const worker = async (): Promise<void> => {
      while (left-- > 0) took.push(await timed(() => this.create()));
    };
    const before = this.gateway.usage().cpuSeconds;
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    if (untilWritten) await eventually(async () => metric(await this.gateway.metrics(), 'fastpath_pending_records') === 0, DRAIN_MS, 100); // prettier-ignore
    return { rate: creates / (this.gateway.usage().cpuSeconds - before), took };
  }

  /** Waits for a first create: the gateway may not know the pools' agents yet. */
  begins(): Promise<boolean> {
    return eventually(async () => (await this.client.create(this.next(), CALL_MS)).code === 'OK', DRAIN_MS, 100);
  }

  private async create(): Promise<void> {
    const request = this.next();
    const { code, message } = await this.client.create(request, CALL_MS);
    if (code !== 'OK') throw new Error(`${request.name}: ${code} ${message}`);
  }

  private next(): CreateRequest {
    const name = `alone-${this.made++}`;
    return CreateRequest.fromPartial({ name, image: 'busybox', poolRef: poolName(0), command: ['/bin/sleep'] });
  }
}

/** Pins all threads of a process to `cores`. */
function pin(pid: number, cores: string): void {
  execFileSync('taskset', ['--all-tasks', '--pid', '--cpu-list', cores, String(pid)], { stdio: 'ignore' });
}
