import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@fsb/api/errors';
import { LEASE_KIND, POD_KIND } from '@fsb/controller-runtime/kinds';
import { type KubeClient } from '@fsb/controller-runtime/kube-client';
import { type ContainerdClient } from '@fsb/containerd/containerd-client';
import { signalProcess } from '../../apps/standalone/src/process-identity';
import { type MachineStack } from '../support/machine-stack';
import { describe, type Fault, type PlannedFault, type Service } from './fault-plan';
import { type FaultProxy } from './fault-proxy';
import { type Ledger } from './ledger';
import { killShim } from './kill-shim';
import { shimsOf } from '../support/shims';
import { agentPods } from '../support/world';
import { livingTargets, replicasOf, type Target } from './targets';

const LEASE_MS = 1_000;
/** Delay before the killed supervisor is started again; until then nothing restarts. */
const WITHOUT_SUPERVISOR_MS = 2_000;

export interface FaultParts {
  readonly stack: MachineStack;
  readonly proxy: FaultProxy;
  readonly client: KubeClient;
  readonly containerd: ContainerdClient;
  readonly ledger: Ledger;
  readonly say: (text: string) => void;
}

/** Executes the schedule, and undoes each fault: no process stays paused, no API fault stays active. */
export class FaultRunner {
  private readonly paused = new Set<Target>();
  private readonly running = new Set<Promise<void>>();
  private readonly ends = new Set<() => void>();
  private fills = 0;
  private done = 0;

  constructor(private readonly parts: FaultParts) {}

  get count(): number {
    return this.done;
  }

  isFilling(): boolean {
    return this.fills > 0;
  }

  async run(plan: readonly PlannedFault[], stop: AbortSignal): Promise<void> {
    const started = performance.now();
    for (const { atMs, fault } of plan) {
      await sleep(Math.max(0, started + atMs - performance.now()), undefined, { signal: stop }).catch(() => undefined);
      if (stop.aborted) break;
      const work = this.carryOut(fault, stop).finally(() => this.running.delete(work));
      this.running.add(work);
    }
    await Promise.all(this.running);
  }

  /** Ends all pauses and API faults at once. */
  restore(): void {
    for (const target of this.paused) signalProcess(target.process, 'SIGCONT');
    this.paused.clear();
    for (const end of this.ends) end();
    this.ends.clear();
  }

  private async carryOut(fault: Fault, stop: AbortSignal): Promise<void> {
    try {
      this.parts.say(describe(fault));
      await this.apply(fault, stop);
      this.done++;
    } catch (error) {
      this.parts.say(`${describe(fault)}: ${messageOf(error)}`);
    }
  }

  private async apply(fault: Fault, stop: AbortSignal): Promise<void> {
    switch (fault.type) {
      case 'signal': {
        const target = await this.find(fault.service, fault.which);
        if (target) signalProcess(target.process, fault.signal);
        if (fault.service === 'supervisor') await this.upAgain();
        return;
      }
      case 'pause':
        await this.pause(await this.find(fault.service, fault.which), fault.ms, stop);
        return;
      case 'pair': {
        const pair = [
          await this.find('sandbox-controller', 'leader'),
          await this.find('fastpath-gateway', fault.which),
        ];
        for (const target of pair) if (target) signalProcess(target.process, 'SIGKILL');
        return;
      }
      case 'shim':
        await this.killShim(fault.which);
        return;
      case 'pod':
        await this.deletePod(fault.which);
        return;
      case 'api':
        await this.during(this.parts.proxy.begin(fault.fault), fault.ms, stop);
        return;
      case 'fill':
        this.fills++;
        await this.during(() => this.fills--, fault.ms, stop);
        return;
    }
  }

  private async killShim(which: number): Promise<void> {
    const { containerd, ledger } = this.parts;
    const shims = shimsOf(containerd.socket);
    const shim = shims[Math.floor(which * shims.length)];
    for (const id of (shim && (await killShim(shim, containerd))) ?? []) ledger.shimDeaths.add(id);
  }

  private async deletePod(which: number): Promise<void> {
    const { client, ledger } = this.parts;
    const pods = await agentPods(client);
    const pod = pods[Math.floor(which * pods.length)];
    if (!pod) return;
    const { namespace = '', name = '' } = pod.metadata;
    ledger.podDeaths.set(name, Date.now());
    await client.delete(POD_KIND, { namespace, name });
  }

  private async pause(target: Target | undefined, ms: number, stop: AbortSignal): Promise<void> {
    if (!target) return;
    signalProcess(target.process, 'SIGSTOP');
    this.paused.add(target);
    await this.during(() => signalProcess(target.process, 'SIGCONT'), ms, stop);
    this.paused.delete(target);
  }

  private async during(end: () => void, ms: number, stop: AbortSignal): Promise<void> {
    this.ends.add(end);
    await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
    if (this.ends.delete(end)) end();
  }

  private async upAgain(): Promise<void> {
    await sleep(WITHOUT_SUPERVISOR_MS);
    await this.parts.stack.up();
  }

  private async find(service: Service, which: number | 'leader'): Promise<Target | undefined> {
    const targets = livingTargets(this.parts.stack);
    const candidates =
      service === 'agent' ? targets.filter(({ name }) => name.startsWith('agent/')) : replicasOf(targets, service);
    if (which !== 'leader') return candidates[Math.floor(which * candidates.length)];
    const holder = await this.leaderPid(service);
    return candidates.find(({ process }) => process.pid === holder) ?? candidates[0];
  }

  /** Pid of the leader, from the Lease's holder identity. */
  private async leaderPid(service: Service): Promise<number | undefined> {
    const { items } = await this.parts.client
      .list(LEASE_KIND, {}, { deadlineMs: LEASE_MS })
      .catch(() => ({ items: [] }));
    const lease = items.find(({ metadata }) => metadata.name?.includes(service));
    const pid = /_(\d+)_/.exec(lease?.spec?.holderIdentity ?? '')?.[1];
    return pid === undefined ? undefined : Number(pid);
  }
}
