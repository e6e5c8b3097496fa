import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, isApiError, messageOf } from '@fsb/api/errors';
import { Informer } from '@fsb/controller-runtime/informer';
import { type Pod, POD_KIND } from '@fsb/controller-runtime/kinds';
import { rotateLog } from '../log-bound';
import { networkNamespaceName } from '@fsb/node/machine-names';
import { listJson } from '../supervisor/process-record';
import { readJson } from '../state-file';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type NodeContext } from './node-context';
import { removeEmptyCgroups } from './pod-cgroup';
import { podRecord, podRecordFile } from './pod-record';
import { PodRunner } from './pod-runner';

const RETRY_MS = 1000;
const HOUSEKEEPING_MS = 30_000;

interface Entry {
  readonly runner: PodRunner;
  readonly running: Promise<void>;
  ending?: Promise<void>;
}

/** Runs the Pods bound to this node. Runners are kept by uid, so that two Pods of one name do not conflict. */
export class PodHost {
  private readonly entries = new Map<string, Entry>();
  private readonly informer: Informer<Pod>;
  private readonly housekeeping: NodeJS.Timeout;

  constructor(
    private readonly context: NodeContext,
    private readonly installation: string,
  ) {
    const fieldSelector = `spec.nodeName=${context.facts.nodeName}`;
    this.informer = new Informer({ client: context.client, kind: POD_KIND, fieldSelector });
    this.informer.onChange((_key, current, previous) => {
      if (previous && previous.metadata.uid !== current?.metadata.uid) this.end(previous, false);
      if (current) this.see(current);
    });
    this.housekeeping = setInterval(() => {
      this.boundPodLogs();
      removeEmptyCgroups(context.cgroup);
    }, HOUSEKEEPING_MS).unref();
  }

  get isReady(): boolean {
    return this.informer.hasSynced;
  }

  start(): void {
    this.informer.start();
    void this.informer.synced.then(() => {
      this.endOrphans();
    });
  }

  /** Stops the runners. Pods keep running; the next node process adopts them. */
  async stop(): Promise<void> {
    clearInterval(this.housekeeping);
    await this.informer.stop();
    for (const { runner } of this.entries.values()) runner.stop();
    await Promise.all([...this.entries.values()].map(({ running }) => running));
  }

  private see(pod: Pod): void {
    const { uid = '', deletionTimestamp } = pod.metadata;
    const entry = this.entries.get(uid);
    entry?.runner.update(pod);
    if (deletionTimestamp !== undefined) this.end(pod, true);
    else if (!entry && !isOver(pod)) this.entries.set(uid, this.begin(pod));
  }

  private begin(pod: Pod): Entry {
    const runner = new PodRunner(pod, networkNamespaceName(this.installation, pod.metadata.uid ?? ''), this.context);
    const running = runner.run().catch((error: unknown) => {
      this.context.logger.error({
        msg: 'the runner of a Pod failed; the Pod is no longer restarted',
        pod: pod.metadata.name,
        error: messageOf(error),
      });
    });
    return { runner, running };
  }

  /** @param isDeleted the object exists, with a deletion timestamp, until this node confirms the end of the Pod */
  private end(pod: Pod, isDeleted: boolean): void {
    const { uid = '' } = pod.metadata;
    let entry = this.entries.get(uid);
    const isKnown = isDeleted || existsSync(podRecordFile(this.context.runDir, uid));
    if (!entry && !isKnown) return; // last event of a Pod that has been torn down
    if (!entry) {
      // deleted while no node ran: the runner takes what to remove from the record, if there is one
      const runner = new PodRunner(pod, networkNamespaceName(this.installation, uid), this.context);
      entry = { runner, running: Promise.resolve() };
      this.entries.set(uid, entry);
    }
    entry.ending ??= this.tearDown(pod, entry, isDeleted);
  }

  private async tearDown(pod: Pod, { runner, running }: Entry, isDeleted: boolean): Promise<void> {
    const { closing, logger } = this.context;
    const { name, uid = '' } = pod.metadata;
    while (!closing.aborted) {
      try {
        runner.stop();
        await running;
        await runner.tearDown();
        if (isDeleted) await this.confirm(pod);
        this.entries.delete(uid);
        logger.info({ msg: 'ended', pod: name });
        return;
      } catch (error) {
        logger.warn({ msg: 'cannot end yet', pod: name, error: messageOf(error) });
        await sleep(RETRY_MS, undefined, { signal: closing }).catch(() => undefined);
      }
    }
  }

  /** Deletes the object with grace 0, as a kubelet does after the end of a Pod. */
  private async confirm({ metadata }: Pod): Promise<void> {
    const { namespace = '', name = '', uid } = metadata;
    if (uid === undefined) throw new ApiError('internal', `Pod ${name} has no uid`);
    try {
      await this.context.client.delete(POD_KIND, { namespace, name }, { uid, gracePeriodSeconds: 0 });
    } catch (error) {
      if (!isApiError(error, 'not_found') && !isApiError(error, 'aborted')) throw error; // gone, or replaced
    }
  }

  /** Ends Pods with a record but without an object: deleted while no node ran. */
  private endOrphans(): void {
    const known = new Set(this.informer.list().map(({ metadata }) => metadata.uid));
    for (const path of listJson(this.context.runDir)) {
      const record = readJson(path, podRecord);
      if (!record || known.has(record.uid)) continue;
      const { uid, namespace, name } = record;
      this.end({ metadata: { uid, namespace, name } }, false);
    }
  }

  private boundPodLogs(): void {
    for (const uid of this.entries.keys()) {
      const folders = entriesOf(join(this.context.logDir, uid)).map((name) => join(this.context.logDir, uid, name));
      const paths = folders.flatMap((folder) => entriesOf(folder).map((name) => join(folder, name)));
      for (const path of paths.filter((name) => name.endsWith('.log'))) rotateLog(path);
    }
  }
}

function isOver({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // no such folder yet
  }
}
