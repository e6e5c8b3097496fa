import { setMaxListeners } from 'node:events';
import { Logger } from '@nestjs/common';
import { isApiError, messageOf } from '@fsb/api/errors';
import { inTraceOf } from '@fsb/component-base/tracing/tracing';
import { type ControllerMetrics, type ReconcileOutcome } from './metrics';
import { type Reconciler, TerminalError } from './reconciler';
import { WorkQueue, type WorkQueueOptions } from './work-queue';

export interface ControllerOptions {
  /** label of metrics and log lines */
  readonly name: string;
  readonly concurrency: number;
  readonly metrics?: ControllerMetrics;
  /**
   * All keys, read at the start. With it the queue drops keys before the start: a replica without the lease would
   * collect them for as long as it stands by.
   */
  readonly allKeys?: () => Iterable<string>;
  /** traceparent of the call that created a key's object; its reconciles continue that trace */
  readonly traceOf?: (key: string) => string | undefined;
  readonly queue?: Omit<WorkQueueOptions, 'observer'>;
}

/**
 * Runs a Reconciler over a WorkQueue with a fixed number of workers. Failures are retried with back-off.
 * @example
 * const controller = new Controller(reconciler, { name: 'pools', concurrency: 2 });
 * informer.onChange((key) => controller.queue.add(key));
 * controller.start();
 */
export class Controller {
  readonly queue: WorkQueue;
  private readonly logger: Logger;
  private readonly stopping = stopOfMany();
  private workers: Promise<void>[] = [];

  constructor(
    private readonly reconciler: Reconciler,
    private readonly options: ControllerOptions,
  ) {
    const { name, concurrency, metrics, queue } = options;
    this.logger = new Logger(name);
    this.queue = new WorkQueue({ ...queue, ...(metrics ? { observer: metrics.queue(name) } : {}) });
    metrics?.describe(name, concurrency, () => this.queue.depth);
    if (options.allKeys) this.queue.pause();
  }

  start(): void {
    this.queue.resume();
    for (const key of this.options.allKeys?.() ?? []) this.queue.add(key);
    this.workers = Array.from({ length: this.options.concurrency }, () => this.work());
  }

  /** Closes the queue and waits for the reconciles in flight. @param graceMs after which their signal aborts */
  async stop(graceMs: number): Promise<void> {
    this.queue.close();
    const grace = setTimeout(() => {
      this.stopping.abort();
    }, graceMs);
    await Promise.all(this.workers);
    clearTimeout(grace);
  }

  private async work(): Promise<void> {
    for (let key = await this.queue.get(); key !== undefined; key = await this.queue.get()) {
      const started = performance.now();
      const outcome = await this.reconcile(key);
      this.queue.done(key);
      this.options.metrics?.reconciled(this.options.name, outcome, (performance.now() - started) / 1000);
    }
  }

  private async reconcile(key: string): Promise<ReconcileOutcome> {
    try {
      const { name, traceOf } = this.options;
      const span = { name: `reconcile ${name}`, attributes: { controller: name, key } };
      const result = await inTraceOf(
        span,
        () => traceOf?.(key),
        () => this.attempt(key),
      );
      this.queue.forget(key);
      if (!result?.requeueAfterMs) return 'success';
      this.queue.addAfter(key, result.requeueAfterMs);
      return 'requeue_after';
    } catch (error) {
      if (error instanceof TerminalError) {
        this.queue.forget(key);
        return 'terminal';
      }
      this.queue.addRateLimited(key);
      return 'error';
    }
  }

  /** Reports an error within the span, so that the log line carries its trace. */
  private async attempt(key: string): ReturnType<Reconciler['reconcile']> {
    try {
      return await this.reconciler.reconcile(key, this.stopping.signal);
    } catch (error) {
      this.report(key, error);
      throw error;
    }
  }

  /** Logs a failure: a conflict at debug only, since it is ordinary, and no cancelled call of a stopping process. */
  private report(key: string, error: unknown): void {
    if (error instanceof TerminalError) {
      this.logger.error({ msg: 'reconcile failed for good', key, error: messageOf(error) });
      return;
    }
    if (this.stopping.signal.aborted) return;
    const level = isApiError(error, 'aborted') ? 'debug' : 'warn';
    this.logger[level]({ msg: 'reconcile failed, trying again', key, error: messageOf(error) });
  }
}

/** Without a limit of listeners: each call in flight listens to the signal until it ends. */
function stopOfMany(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
