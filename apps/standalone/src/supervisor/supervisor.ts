import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomInt } from 'node:crypto';
import { messageOf } from '@fsb/api/errors';
import { type Logger } from 'pino';
import { z } from 'zod';
import { buildId } from '../build-id';
import { files, type Layout } from '../layout';
import { rotateLog } from '../log-bound';
import { runProgram, shareNetworkNamespaces } from '../machine';
import { endProcess } from '../process-identity';
import { saveSettings, type Settings } from '../settings';
import { readText, removeFile, writeFileAtomic } from '../state-file';
import { bridgeName } from '@fsb/node/machine-names';
import { type ApiReader, apiReader } from './api-reader';
import { type Choice, readChoice, saveChoice } from './choice';
import { chooseContainerd } from './containerd-choice';
import { ensureCredentials } from './credentials';
import { ImageCollector } from './image-collector';
import { containerdConfig } from './private-containerd';
import { readRecords } from './process-record';
import { chooseRuntime } from './runtime-choice';
import { type SupervisedService, serviceDefinitions } from './services';
import { freeSubnet, gatewayOf, parseRoutes } from './subnet';
import { SupervisedProcess } from './supervised-process';

const READY_MS = 60_000;
const STOP_MS = 27_000;
const POLL_MS = 100;
const LOGS_EVERY_MS = 30_000;

/** Starts the services in order and restarts them. Only `down` ends containerd and agents, which hold sandboxes. */
export class Supervisor {
  private readonly processes: SupervisedProcess[] = [];
  private readonly build = buildId();
  private readonly stopping = new AbortController();
  private starting: Promise<void> | undefined;

  constructor(
    private readonly layout: Layout,
    private readonly settings: Settings,
    private readonly logger: Logger,
  ) {}

  /** @throws Error when the machine cannot run the stack */
  start(): Promise<void> {
    this.starting ??= this.bringUp();
    return this.starting;
  }

  /** Stops supervision; every process keeps running for the next supervisor. */
  async release(): Promise<void> {
    this.stopping.abort();
    await this.starting?.catch(() => undefined); // it starts nothing more
    await Promise.all(this.processes.map((process) => process.release()));
  }

  /** Ends the services in reverse order of their start; containerd keeps running. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.starting?.catch(() => undefined); // it starts nothing more
    for (const process of this.processes.toReversed()) {
      const { name } = process.definition;
      this.logger.info({ msg: 'ending', target: name });
      await (name === 'containerd' ? process.release() : process.stop());
    }
  }

  private async bringUp(): Promise<void> {
    const { layout, settings, logger } = this;
    for (const folder of [layout.state, layout.run]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    mkdirSync(layout.log, { recursive: true });
    mkdirSync(files.audit(layout), { recursive: true, mode: 0o700 });
    saveSettings(layout, settings);
    writeFileAtomic(files.build(layout), this.build);
    let choice = await this.choose();
    await ensureCredentials(layout, settings, gatewayOf(choice.subnet));
    if (choice.containerd.private) await this.startContainerd(choice);
    if (choice.runtime === undefined) {
      choice = { ...choice, runtime: await chooseRuntime(choice.containerd.socket, `${layout.run}/trial.log`) };
      saveChoice(layout, choice);
    }
    logger.info({ msg: 'chosen', containerd: choice.containerd, runtime: choice.runtime, subnet: choice.subnet });
    const definitions = this.definitions(choice).filter(({ name }) => name !== 'containerd');
    const apiserver = definitions.find(({ name }) => name === 'apiserver');
    if (apiserver) await this.startAndWait(apiserver);
    await this.learnInstallation();
    await this.endSuperfluous(definitions);
    for (const definition of definitions) if (definition !== apiserver) await this.keep(definition);
    const names = this.processes.map(({ definition }) => definition.name);
    this.every(LOGS_EVERY_MS, () => {
      // not the whole folder: it also has the sandboxes' logs, which belong to agents
      for (const name of ['supervisor', ...names]) rotateLog(files.serviceLog(layout, name));
    });
    if (choice.containerd.private) {
      const collector = new ImageCollector(choice.containerd.socket, this.apiReader(), logger);
      this.every(ImageCollector.everyMs, () => collector.collect());
    }
  }

  private async choose(): Promise<Choice> {
    const { layout, settings } = this;
    const before = readChoice(layout);
    const keep = before && (settings.containerd === 'auto' || before.containerd.private);
    const containerd = keep ? before.containerd : await chooseContainerd(layout, settings.containerd);
    const routes = parseRoutes(await runProgram('ip', '-4', 'route', 'show', 'table', 'all'));
    const bridge = bridgeName(readText(files.installation(layout)) ?? '');
    const start = before === undefined ? randomInt(256) : Number(before.subnet.split('.')[2]);
    const subnet = freeSubnet(routes, bridge, start);
    const choice = { containerd, subnet, ...(keep && before.runtime ? { runtime: before.runtime } : {}) };
    saveChoice(layout, choice);
    return choice;
  }

  private async startContainerd(choice: Choice): Promise<void> {
    const { layout } = this;
    await shareNetworkNamespaces();
    const paths = { ...choice.containerd, state: files.containerdState(layout) };
    writeFileAtomic(files.containerdConfig(layout), containerdConfig(paths));
    const definition = this.definitions(choice).find(({ name }) => name === 'containerd');
    if (definition) await this.startAndWait(definition);
  }

  /** Ends processes that an earlier supervisor with more replicas started. */
  private async endSuperfluous(definitions: readonly SupervisedService[]): Promise<void> {
    const wanted = new Set(['containerd', ...definitions.map(({ name }) => name)]);
    for (const { name, process } of readRecords(this.layout).filter((record) => !wanted.has(record.name))) {
      await endProcess(process, STOP_MS);
      removeFile(files.process(this.layout, name));
    }
  }

  private definitions(choice: Choice): SupervisedService[] {
    return serviceDefinitions({ layout: this.layout, settings: this.settings, choice, build: this.build });
  }

  private async keep(definition: SupervisedService): Promise<void> {
    this.stopping.signal.throwIfAborted();
    const process = new SupervisedProcess(this.layout, definition, this.logger);
    this.processes.push(process);
    await process.start();
  }

  private async startAndWait(definition: SupervisedService): Promise<void> {
    await this.keep(definition);
    const deadline = performance.now() + READY_MS;
    for (;;) {
      const refusal = await definition.health();
      if (refusal === undefined || this.stopping.signal.aborted) return;
      if (performance.now() > deadline) throw new Error(`${definition.name} is not ready: ${refusal}`);
      await sleep(POLL_MS);
    }
  }

  /** Saves the installation's uid: it names all that is made outside its folders, and `down` runs without the API. */
  private async learnInstallation(): Promise<void> {
    const { body } = await this.apiReader()('/api/v1/namespaces/kube-system');
    const { metadata } = z.object({ metadata: z.object({ uid: z.string().min(8) }) }).parse(JSON.parse(body));
    writeFileAtomic(files.installation(this.layout), metadata.uid);
  }

  private apiReader(): ApiReader {
    return apiReader(files.kubeconfig(this.layout));
  }

  private every(ms: number, work: () => Promise<void> | void): void {
    const { signal } = this.stopping;
    const loop = async (): Promise<void> => {
      for (;;) {
        await sleep(ms, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        try {
          await work();
        } catch (error) {
          this.logger.warn({ msg: 'housekeeping failed', error: messageOf(error) });
        }
      }
    };
    void loop();
  }
}
