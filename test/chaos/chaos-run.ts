import { setMaxListeners } from 'node:events';
import { isWaiting } from '../support/waiting-containers';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { TlsFolder } from '@fsb/component-base/tls-folder';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { POOL_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { files } from '../../apps/standalone/src/layout';
import { eventually } from '../support/eventually';
import { type Account, settle } from '../support/accounting';
import { type MachineStack } from '../support/machine-stack';
import { brokenPromises } from './expectations';
import { planFaults } from './fault-plan';
import { FaultProxy } from './fault-proxy';
import { FaultRunner } from './fault-runner';
import { GatewayClient } from '../support/gateway-client';
import { stackCredentials } from '../support/gateway-credentials';
import { Ledger } from './ledger';
import { Worker } from './load';
import { chaosPool, SLOTS } from './pool';
import { CapacitySampler } from './sampler';
import { SeededRandom } from '../support/seeded-random';
import { livingTargets } from './targets';
import { type Run, type RunOptions } from '../support/seeded-run';
import { agentPods, type Readers, type World } from '../support/world';

const AGENT_PORT = 5758;
const WORKERS = 6;
const ENOUGH = 4;
const PROGRESS_MS = 10_000;
/** Time from the last fault until all sources must agree. */
const SETTLE_MS = 90_000;

/** One chaos run: a stack, a load, faults, and the comparison afterwards. */
export class ChaosRun implements Run {
  readonly ledger = new Ledger();
  private readonly random: SeededRandom;
  private readonly proxy: FaultProxy;
  private gateways: readonly GatewayClient[] = [];
  private readonly closers: (() => void | Promise<void>)[] = [];
  private faults: FaultRunner | undefined;

  constructor(
    private readonly stack: MachineStack,
    private readonly options: RunOptions,
  ) {
    this.random = new SeededRandom(options.seed);
    const draws = this.random.stream('proxy');
    this.proxy = new FaultProxy(stack, () => draws.next());
  }

  /** @returns whether every promise was kept */
  async run(stop: AbortSignal): Promise<boolean> {
    const { readers, containerd } = await this.start(stop);
    const sampler = new CapacitySampler(readers, SLOTS);
    const { say, durationMs } = this.options;
    const { stack, proxy, ledger } = this;
    const faults = new FaultRunner({ stack, proxy, client: readers.client, containerd, ledger, say });
    this.faults = faults;
    say(`load and faults for ${durationMs / 1000} s`);
    await this.storm(faults, sampler, stop);
    stop.throwIfAborted();
    faults.restore();
    say('the faults are over; comparing all sources until they agree');
    await stack.up();
    const account = await settle(readers, (world) => brokenPromises(ledger, world, Date.now()), SETTLE_MS, say);
    const found = [...sampler.violations, ...account.differences];
    if (found.length > 0) this.keepWorld(account);
    for (const difference of found) say(`DIFFERENCE ${difference}`);
    say(summary(this, faults, sampler, account, found.length));
    return found.length === 0;
  }

  /** Ends all pauses and API faults and closes all connections. The caller ends the stack. */
  async close(): Promise<void> {
    this.faults?.restore();
    for (const gateway of this.gateways) gateway.close();
    for (const close of this.closers) await close();
    await this.proxy.stop();
  }

  private async start(stop: AbortSignal): Promise<{ readers: Readers; containerd: ContainerdClient }> {
    const { stack } = this;
    await Promise.all([stack.up(), this.proxyWhenPossible(stop)]);
    await stack.importImage('demo-image');
    const credentials = stackCredentials(stack.layout.root ?? '');
    this.gateways = stack.addresses.gateways.map((endpoint, index) => new GatewayClient(index, endpoint, credentials));
    const client = new KubeClient(stack.admin(), 'chaos');
    const tls = new TlsFolder(files.agentClient(stack.layout, 'sandbox-controller'));
    const agents = new AgentClient({ tls, port: AGENT_PORT });
    const containerd = new ContainerdClient(files.containerdSocket(stack.layout));
    this.closers.push(
      () => client.close(),
      () => agents.close(),
      () => containerd.close(),
    );
    await client.create(POOL_KIND, chaosPool());
    await eventually(async () => {
      stop.throwIfAborted();
      const pods = await agentPods(client);
      return pods.some(({ status }) =>
        status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
      );
    }, 60_000);
    return { readers: { stack, client, agents, runtime: new SandboxRuntime(containerd) }, containerd };
  }

  /**
   * Starts the proxy, retrying: the services wait for it, but its certificate appears during the stack's first start.
   */
  private async proxyWhenPossible(stop: AbortSignal): Promise<void> {
    await eventually(() => {
      stop.throwIfAborted();
      return this.proxy.start().then(() => true);
    }, 60_000);
  }

  private async storm(faults: FaultRunner, sampler: CapacitySampler, broken: AbortSignal): Promise<void> {
    // not AbortSignal.timeout inside AbortSignal.any: Node 20 collects it before it fires
    const over = new AbortController();
    setMaxListeners(0, over.signal); // each worker, pause and API fault listens to it
    const end = (): void => over.abort();
    const timer = setTimeout(end, this.options.durationMs);
    broken.addEventListener('abort', end, { once: true });
    const stop = over.signal;
    const shape = { gateways: this.gateways.length, enough: ENOUGH };
    const workers = Array.from({ length: WORKERS }, (_, index) => {
      const name = `w${index + 1}`;
      return new Worker(name, this.random.stream(name), this.gateways, this.ledger, shape);
    });
    const plan = planFaults(this.random.stream('faults'), this.options.durationMs);
    await Promise.all([
      ...workers.map((worker) => worker.run(() => faults.isFilling(), stop)),
      faults.run(plan, stop),
      sampler.run(stop),
      this.reportProgress(faults, stop),
    ]);
    clearTimeout(timer);
  }

  private async reportProgress(faults: FaultRunner, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await sleep(PROGRESS_MS, undefined, { signal: stop }).catch(() => undefined);
      const { acknowledged, refused, unknown } = this.ledger.count(({ creates }) => creates);
      const alive = livingTargets(this.stack).length;
      const creates = `${acknowledged} acknowledged, ${refused} refused, ${unknown} open`;
      this.options.say(`creates: ${creates}; faults: ${faults.count}; processes alive: ${alive}`);
    }
  }

  /** Writes ledger and world for a diagnosis. */
  private keepWorld({ world }: Account): void {
    const file = join(this.stack.root, 'chaos-report.json');
    writeFileSync(file, JSON.stringify({ seed: this.options.seed, ledger: this.ledger.all(), world }, undefined, 1));
  }
}

/** Counts of warm starts and standby containers: a warm-started container keeps its own id. */
function startsOf(world: World | undefined): string[] {
  if (!world) return [];
  const waiting = world.containers.filter(isWaiting).length;
  const warm = world.containers.filter(({ id }) => id.startsWith('warm-')).length - waiting;
  return [`${warm} of ${world.containers.length - waiting} started warm, ${waiting} standby`];
}

function summary(
  { ledger }: ChaosRun,
  faults: FaultRunner,
  sampler: CapacitySampler,
  { world, settledMs }: Account,
  differences: number,
): string {
  const counts = (what: string, { acknowledged, refused, unknown }: ReturnType<Ledger['count']>): string =>
    `${what} ${acknowledged + refused + unknown} (${acknowledged} acknowledged, ${refused} refused, ${unknown} open)`;
  const phases = new Map<string, number>();
  for (const { status } of world?.objects ?? []) {
    const phase = status?.phase ?? 'Pending';
    phases.set(phase, (phases.get(phase) ?? 0) + 1);
  }
  return [
    counts(
      'creates',
      ledger.count(({ creates }) => creates),
    ),
    counts(
      'deletes',
      ledger.count(({ deletes }) => deletes),
    ),
    counts(
      'resets',
      ledger.count(({ resets }) => resets),
    ),
    counts(
      'expiries',
      ledger.count(({ expiries }) => expiries),
    ),
    `faults ${faults.count}`,
    `samples ${sampler.count}`,
    ...startsOf(world),
    `at the end ${[...phases].map(([phase, number]) => `${number} ${phase}`).join(', ') || 'nothing'}`,
    settledMs === undefined ? 'not settled' : `settled in ${(settledMs / 1000).toFixed(1)} s`,
    `differences ${differences}`,
  ].join('; ');
}
