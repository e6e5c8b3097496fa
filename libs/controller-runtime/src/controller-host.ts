import { hostname } from 'node:os';
import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { messageOf } from '@fsb/api/errors';
import { boolean, flag } from '@fsb/component-base/config';
import { type Readiness } from '@fsb/component-base/readiness';
import { z } from 'zod';
import { type Controller } from './controller';
import { aborted } from './deadline';
import { type KubeClient } from './kube-client';
import { LeaderElector } from './leader-elector';
import { KubeLeaseLock } from './lease-lock';
import { type ControllerMetrics } from './metrics';

export const leaderElectionFlags = {
  leaderElect: flag(boolean().default(true), 'Only the replica that holds the Lease acts'),
  leaderElectionNamespace: flag(z.string().default('kube-system'), 'Where the Lease is'),
};

/** The part of an Informer that a host needs: informers of all kinds go into one list. */
export interface HostedInformer {
  readonly hasSynced: boolean;
  readonly synced: Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** Something that runs in every replica, the leader or not, once the caches are filled. */
export interface Runnable {
  start(): void;
  stop(): Promise<void> | void;
}

export interface ControllerHostOptions {
  /** the service's name, and so the Lease's */
  readonly name: string;
  readonly informers: Readonly<Record<string, HostedInformer>>;
  readonly controllers?: readonly Pick<Controller, 'start' | 'stop'>[];
  readonly runnables?: readonly Runnable[];
  /** absent: this replica acts at once */
  readonly election?: { readonly namespace: string } | undefined;
}

export interface ControllerHostParts {
  readonly client: KubeClient;
  readonly readiness: Readiness;
  readonly metrics: ControllerMetrics;
}

const LEASE = { leaseDurationMs: 6_000, renewDeadlineMs: 4_000, retryPeriodMs: 1_000 } as const;
/** What a reconcile in flight gets to finish on SIGTERM. */
const GRACE_MS = 8_000;

/**
 * Starts informers, waits for their caches, says that it is ready, and starts the controllers as soon as this replica
 * leads. Stops in the other order: reconciles finish, then the lease is given back, then the caches go.
 */
export class ControllerHost implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  private readonly logger = new Logger(ControllerHost.name);
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly parts: ControllerHostParts,
    private readonly options: ControllerHostOptions,
  ) {
    this.parts.readiness.add('caches', () => this.checkCaches());
  }

  /** Does not wait: the probes must be served while the API server is still away. */
  onApplicationBootstrap(): void {
    this.running = this.run().catch((error: unknown) => {
      this.logger.error({ msg: 'cannot go on', error: messageOf(error) });
      this.end();
    });
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await Promise.all((this.options.runnables ?? []).map(async (runnable) => runnable.stop()));
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(Object.values(this.options.informers).map((informer) => informer.stop()));
  }

  private checkCaches(): true | string {
    const missing = Object.entries(this.options.informers).filter(([, { hasSynced }]) => !hasSynced);
    return missing.length === 0 || `not listed yet: ${missing.map(([name]) => name).join(', ')}`;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const informers = Object.values(this.options.informers);
    for (const informer of informers) informer.start();
    await Promise.race([Promise.all(informers.map(({ synced }) => synced)), aborted(signal)]);
    if (signal.aborted) return;
    for (const runnable of this.options.runnables ?? []) runnable.start();
    if ((this.options.controllers ?? []).length === 0) return;
    if (this.options.election) await this.elect(this.options.election.namespace);
    else await this.lead(signal);
  }

  private async elect(namespace: string): Promise<void> {
    const { name } = this.options;
    const identity = `${hostname()}_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
    const lock = new KubeLeaseLock(this.parts.client, { namespace, name });
    this.parts.metrics.leads(name, false);
    await new LeaderElector(lock, { identity, ...LEASE }).run((signal) => this.lead(signal), this.stopping.signal);
    if (this.stopping.signal.aborted) return;
    this.logger.error({ msg: 'lost the lease', lease: `${namespace}/${name}` });
    this.end();
  }

  private async lead(signal: AbortSignal): Promise<void> {
    const { name, controllers = [] } = this.options;
    this.logger.log({ msg: 'leading', name });
    this.parts.metrics.leads(name, true);
    for (const controller of controllers) controller.start();
    await aborted(signal);
    // whoever lost the lease must not write any more
    const graceMs = this.stopping.signal.aborted ? GRACE_MS : 0;
    await Promise.all(controllers.map((controller) => controller.stop(graceMs)));
    this.parts.metrics.leads(name, false);
  }

  /** The simplest correct recovery is a new process: the ordinary shutdown, then whoever supervises us. */
  private end(): void {
    process.kill(process.pid, 'SIGTERM');
  }
}
