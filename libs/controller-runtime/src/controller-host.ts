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
  leaderElect: flag(boolean().default(true), 'Act only while holding the Lease; required with several replicas'),
  leaderElectionNamespace: flag(z.string().default('kube-system'), 'Namespace of the Lease'),
};

/** The part of an Informer that a host needs, independent of its kind. */
export interface HostedInformer {
  readonly hasSynced: boolean;
  readonly synced: Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** Work that runs in every replica, leading or not, once the caches are filled. */
export interface Runnable {
  start(): void;
  stop(): Promise<void> | void;
}

export interface ControllerHostOptions {
  /** name of the service and of its Lease */
  readonly name: string;
  readonly informers: Readonly<Record<string, HostedInformer>>;
  readonly controllers?: readonly Pick<Controller, 'start' | 'stop'>[];
  readonly runnables?: readonly Runnable[];
  /** absent: this replica acts without a Lease */
  readonly election?: { readonly namespace: string } | undefined;
}

export interface ControllerHostParts {
  readonly client: KubeClient;
  readonly readiness: Readiness;
  readonly metrics: ControllerMetrics;
}

const LEASE = { leaseDurationMs: 6_000, renewDeadlineMs: 4_000, retryPeriodMs: 1_000 } as const;
/** Grace period of the reconciles in flight on SIGTERM. */
const GRACE_MS = 8_000;

/**
 * Starts the informers, waits for their caches, and starts the controllers as soon as this replica leads. The process
 * is ready once the caches are filled. Stops in reverse order: reconciles, then the lease, then the caches.
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

  /** Returns at once: probes must be served even while the API server is unreachable. */
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
    // no grace after the lease is lost: another replica may lead already
    const graceMs = this.stopping.signal.aborted ? GRACE_MS : 0;
    await Promise.all(controllers.map((controller) => controller.stop(graceMs)));
    this.parts.metrics.leads(name, false);
  }

  /** Ends the process through the ordinary shutdown. A restart by the supervisor is the simplest correct recovery. */
  private end(): void {
    process.kill(process.pid, 'SIGTERM');
  }
}
