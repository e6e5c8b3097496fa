import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@fsb/api/errors';
import { type Condition } from '@fsb/api/sandbox';
import { aborted } from '@fsb/controller-runtime/deadline';
import { type Pod, type PodContainer } from '@fsb/controller-runtime/kinds';
import { NETWORK_NAMESPACES } from '@fsb/node/node-folders';
import { BackOff } from '../back-off';
import { endReason, logTail, type ProcessEnd } from '../last-end';
import { NODE_FLAGS } from '../layout';
import { probe } from '../probe';
import { endProcess, isAlive, type ProcessIdentity } from '../process-identity';
import { readJson, removeFile, writeJson } from '../state-file';
import { type NodeContext } from './node-context';
import { PodCgroup } from './pod-cgroup';
import {
  containerEnvironment,
  gracePeriodMs,
  memoryLimit,
  probePort,
  runnableContainer,
  waitingReason,
} from './pod-plan';
import { exitCodeOf, logFile, newLogFile, startPodProcess } from './pod-process';
import { podRecord, type PodRecord, podRecordFile } from './pod-record';
import { type ContainerEnd, type ContainerPhase, podStatus } from './pod-status';
import { StatusWriter } from './status-writer';

/** Probe interval while the agent starts, and once it is ready; also the delay until its end is noticed. */
const PROBE_MS = { starting: 150, ready: 500 } as const;
const FAILED_PROBES = 3;
/** Interval of renewing Secrets, as a kubelet's. */
const SECRETS_MS = 60_000;
/** Exit code reported for a process that ended while no node ran. */
const UNKNOWN_EXIT = 137;

/** Lifecycle of one Pod: network, cgroup, process, restarts, status. */
export class PodRunner {
  private readonly stopping = new AbortController();
  private readonly writer: StatusWriter;
  private readonly backOff = new BackOff({ firstMs: 1000, lastMs: 60_000, healthyMs: 60_000 });
  private readonly cgroup: PodCgroup;
  private readonly uid: string;
  private readonly startTime = new Date();
  private conditions: Condition[] = [];
  private record: PodRecord;
  private isGone = false;
  private secretsAt = performance.now();
  private last: ContainerEnd | undefined;
  private end: () => ProcessEnd | undefined = () => undefined;

  /** @param networkNamespace name for a Pod without a record */
  constructor(
    private pod: Pod,
    networkNamespace: string,
    private readonly context: NodeContext,
  ) {
    this.uid = pod.metadata.uid ?? '';
    const { namespace = '', name = '' } = pod.metadata;
    const known = readJson(podRecordFile(context.runDir, this.uid), podRecord);
    this.record = known ?? { uid: this.uid, namespace, name, networkNamespace, port: 0, restarts: 0, secrets: [] };
    this.cgroup = new PodCgroup(join('/', context.cgroup, this.uid));
    this.writer = new StatusWriter(context.client, pod, context.logger, context.closing);
  }

  /** Resolves after `stop`. The process keeps running: for the next node process, or until `tearDown`. */
  async run(): Promise<void> {
    const { events, logger } = this.context;
    try {
      const container = runnableContainer(this.pod);
      await this.keepRunning(container);
    } catch (error) {
      const reason = waitingReason(error);
      logger.warn({ msg: 'cannot run', pod: this.pod.metadata.name, error: messageOf(error) });
      events.record(this.pod, 'Warning', reason, messageOf(error));
      this.report({ kind: 'waiting', reason, message: messageOf(error) });
      await aborted(this.stopping.signal);
    }
  }

  update(pod: Pod): void {
    this.pod = pod;
  }

  /** No more restarts. */
  stop(): void {
    this.stopping.abort();
  }

  /** Ends the process and removes what was made for it. Sandboxes that are left are removed by the janitor. */
  async tearDown(): Promise<void> {
    this.stop();
    const { network, runDir, logDir } = this.context;
    const { record } = this;
    if (this.isGone) return;
    if (record.process) await endProcess(record.process, gracePeriodMs(this.pod));
    await network.remove(record.networkNamespace, this.uid);
    this.cgroup.remove();
    for (const folder of record.secrets) rmSync(folder, { recursive: true, force: true });
    rmSync(join(logDir, this.uid), { recursive: true, force: true });
    removeFile(podRecordFile(runDir, this.uid));
    this.isGone = true;
  }

  private async keepRunning(container: PodContainer): Promise<void> {
    while (!this.isStopping()) {
      const process = await this.ensureProcess(container);
      if (process) await this.watch(process, container);
      if (this.isStopping()) return;
      if (process && this.isFinal()) {
        await aborted(this.stopping.signal);
        return;
      }
      await this.waitForNextStart(process !== undefined);
    }
  }

  /** @returns the process that runs already, or a new one; undefined when the start failed */
  private async ensureProcess(container: PodContainer): Promise<ProcessIdentity | undefined> {
    const { record, context } = this;
    if (record.process && isAlive(record.process) && context.network.exists(record.networkNamespace)) {
      context.logger.info({ msg: 'adopted', pod: record.name, child: record.process.pid });
      return record.process;
    }
    if (record.process) this.recordEnd(container, undefined);
    try {
      this.report({ kind: 'waiting', reason: 'ContainerCreating', message: '' });
      return await this.launch(container);
    } catch (error) {
      const message = messageOf(error);
      context.logger.error({ msg: 'cannot start', pod: record.name, error: message });
      const reason = waitingReason(error);
      const event = reason === 'CreateContainerError' ? 'FailedCreatePodSandBox' : reason;
      context.events.record(this.pod, 'Warning', event, message);
      this.report({ kind: 'waiting', reason, message });
      return undefined;
    }
  }

  private async launch(container: PodContainer): Promise<ProcessIdentity> {
    const { network, logDir, facts, agentEntry, events, logger } = this.context;
    const before = this.record;
    const ip =
      before.ip !== undefined && network.exists(before.networkNamespace) ? before.ip : await this.addNetwork(before);
    const namespace = join(NETWORK_NAMESPACES, before.networkNamespace);
    this.save({ ...this.record, secrets: this.context.secrets.folders(this.pod, container) });
    await this.context.secrets.write(this.pod, container);
    const own = containerEnvironment(this.pod, container, { ...facts, podIp: ip });
    const started = startPodProcess({
      argv: [process.execPath, ...NODE_FLAGS, agentEntry, ...(container.args ?? [])],
      env: {
        PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
        HOSTNAME: before.name,
        ...own,
        NETWORK_NAMESPACE: namespace,
        CGROUP_PARENT: this.cgroup.path,
      },
      networkNamespace: namespace,
      cgroups: this.cgroup.make(memoryLimit(container)),
      logPath: newLogFile(join(logDir, this.uid, container.name), before.restarts),
    });
    this.end = started.end;
    this.save({ ...this.record, ip, port: probePort(container), process: started.identity, startedAt: Date.now() });
    logger.info({ msg: 'started', pod: before.name, child: started.identity.pid, ip, restarts: before.restarts });
    events.record(
      this.pod,
      'Normal',
      'Started',
      `Started container ${container.name} as process ${started.identity.pid}`,
    );
    return started.identity;
  }

  /** Saves the record before it makes the network, so that a crash in between leaves no orphan. */
  private async addNetwork(record: PodRecord): Promise<string> {
    this.save(record);
    const ip = await this.context.network.add(record.networkNamespace, this.uid);
    this.save({ ...record, ip });
    return ip;
  }

  /** Probes readiness and reports its changes until the process ends. */
  private async watch(identity: ProcessIdentity, container: PodContainer): Promise<void> {
    const { ip = '', port, startedAt = Date.now() } = this.record;
    const id = `process://${identity.pid}-${identity.startTime}`;
    const running = { kind: 'running', startedAt: new Date(startedAt), id } as const;
    const { signal } = this.stopping;
    let ready = false;
    let failures = 0;
    this.report({ ...running, ready });
    while (isAlive(identity) && !signal.aborted) {
      const answers = (await probe(`http://${ip}:${port}/readyz`)) === undefined;
      failures = answers ? 0 : failures + 1;
      const now: boolean = answers || (ready && failures < FAILED_PROBES);
      if (now !== ready) this.report({ ...running, ready: now });
      ready = now;
      await this.renewSecrets(container);
      await sleep(ready ? PROBE_MS.ready : PROBE_MS.starting, undefined, { signal }).catch(() => undefined);
    }
    if (!signal.aborted) this.recordEnd(container, this.end());
  }

  /** Writes renewed Secrets to their files; the process itself notices the change. */
  private async renewSecrets(container: PodContainer): Promise<void> {
    if (performance.now() - this.secretsAt < SECRETS_MS) return;
    this.secretsAt = performance.now();
    try {
      await this.context.secrets.write(this.pod, container);
    } catch (error) {
      this.context.logger.warn({ msg: 'Secrets not renewed', pod: this.record.name, error: messageOf(error) });
    }
  }

  /** @param end undefined: unknown, as for a process that an earlier node process started */
  private recordEnd({ name }: PodContainer, end: ProcessEnd | undefined): void {
    const { restarts } = this.record;
    const message = endReason(end, logTail(logFile(join(this.context.logDir, this.uid, name), restarts)));
    this.last = { exitCode: end ? exitCodeOf(end) : UNKNOWN_EXIT, finishedAt: new Date(), message };
    this.save({ ...this.record, process: undefined, restarts: restarts + 1, lastEnd: message });
    this.context.logger.warn({ msg: 'ended', pod: this.record.name, restarts: restarts + 1, reason: message });
  }

  /** A function, since TypeScript's narrowing ignores that the signal changes during an await. */
  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  private isFinal(): boolean {
    const policy = this.pod.spec?.['restartPolicy'] ?? 'Always';
    if (!this.last || policy === 'Always' || (policy === 'OnFailure' && this.last.exitCode !== 0)) return false;
    this.report({ kind: 'terminated', ...this.last });
    return true;
  }

  private async waitForNextStart(hadProcess: boolean): Promise<void> {
    const lived = hadProcess ? Date.now() - (this.record.startedAt ?? Date.now()) : 0;
    const delayMs = this.backOff.nextDelayMs(lived);
    if (hadProcess) {
      const message = `back-off ${Math.round(delayMs / 1000)} s after ${this.last?.message ?? 'its end'}`;
      this.report({ kind: 'waiting', reason: 'CrashLoopBackOff', message });
      this.context.events.record(this.pod, 'Warning', 'BackOff', 'Back-off restarting failed container');
    }
    await sleep(delayMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  private report(phase: ContainerPhase): void {
    const { record, startTime, last, pod } = this;
    const view = { pod, phase, ip: record.ip, hostIp: this.context.facts.hostIp, restarts: record.restarts };
    const status = podStatus({ ...view, startTime, last }, this.conditions, new Date());
    this.conditions = status.conditions;
    this.writer.write({ ...status });
  }

  private save(record: PodRecord): void {
    if (this.isGone) return; // torn down meanwhile
    this.record = record;
    writeJson(podRecordFile(this.context.runDir, this.uid), record);
  }
}
