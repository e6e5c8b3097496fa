import { setTimeout as sleep } from 'node:timers/promises';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { messageOf } from '@fsb/api/errors';
import { TlsFolder } from '@fsb/component-base/tls-folder';
import { ContainerdClient } from '@fsb/containerd/containerd-client';
import { SandboxRuntime } from '@fsb/containerd/sandbox-runtime';
import { POOL_KIND } from '@fsb/controller-runtime/kinds';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { files } from '../../apps/standalone/src/layout';
import { settle } from '../support/accounting';
import { eventually } from '../support/eventually';
import { GatewayClient } from '../support/gateway-client';
import { stackCredentials } from '../support/gateway-credentials';
import { type MachineStack } from '../support/machine-stack';
import { SeededRandom } from '../support/seeded-random';
import { type Run, type RunOptions } from '../support/seeded-run';
import { agentPods, type Readers, type World } from '../support/world';
import { Absences } from './absences';
import { hadAnswered } from './answered-creates';
import { Caller } from './caller';
import { runCancelled } from './cancelled-create';
import { Findings, Journal } from './findings';
import { type Kept, LifeRun } from './life-run';
import { readKeptAgain } from './kept-sandboxes';
import { loseSandboxes } from './lost-sandboxes';
import { type Lane, LANES, type Life, type Shape, type Story, storyOf } from './plan';
import { AGENTS, soakPool } from './pool';
import { restartsOf } from './restarts';

const AGENT_PORT = 5758;
const READY_MS = 120_000;
const SETTLE_MS = 60_000;
const PROGRESS_MS = 10_000;
/** Runs below this (CI: two minutes) have shorter outputs; only longer ones rotate logs while they are followed. */
const SHORT_RUN_MS = 300_000;
const LONGEST_LINES = { short: 300_000, long: 1_200_000 } as const;
/** Pause between two bursts of fifty. */
const BURST_PAUSE_MS = 15_000;
const KEPT_AT_MOST = 15;

/** One soak run: a stack, the lanes of operations, and the comparison with the model. */
export class SoakRun implements Run {
  private readonly random: SeededRandom;
  private readonly findings: Findings;
  private readonly kept: Kept[] = [];
  private readonly closers: (() => void | Promise<void>)[] = [];
  private sandboxes = 0;
  private stories = 0;

  constructor(
    private readonly stack: MachineStack,
    private readonly options: RunOptions,
  ) {
    this.random = new SeededRandom(options.seed);
    this.findings = new Findings(options.say);
  }

  async run(stop: AbortSignal): Promise<boolean> {
    return Promise.race([this.whole(stop), aborted(stop)]);
  }

  async close(): Promise<void> {
    for (const close of this.closers) await close();
  }

  private async whole(stop: AbortSignal): Promise<boolean> {
    const { say, durationMs, seed } = this.options;
    const { findings, stack } = this;
    const readers = await this.start(stop);
    const caller = this.caller();
    const journal = (name: string): Journal => new Journal('before the load', name, findings);
    await loseSandboxes({ stack, caller, journal, say, ready: () => ready(readers.client, stop) });
    say(`load for ${durationMs / 1000} s`);
    const absences = new Absences(readers.client, (name) => hadAnswered(stack.layout, name));
    await this.load(caller, absences, stop);
    say('the load is over; reading everything again, deleting it and comparing all sources');
    await readKeptAgain(this.kept, caller, readers.client);
    for (const { name, label, journal: own, life } of this.kept) {
      await caller.delete(own, life.deleteAt, name);
      absences.expect(label, own, 'it outlives its delete');
    }
    await absences.lookAtTheEnd();
    const account = await settle(readers, (world) => leftObjects(world), SETTLE_MS, say);
    for (const difference of account.differences) this.found('at the end: differences', 'none', difference);
    for (const { name, restarts } of restartsOf(stack.layout))
      if (restarts > 0) this.found('at the end: restarts', `${name} has not ended`, `${restarts} restarts`);
    for (const line of findings.report(seed)) console.log(line);
    const retries = [...caller.retries].map(([code, number]) => `${number} ${code}`).join(', ') || 'none';
    say(
      `stories ${this.stories}; sandboxes ${this.sandboxes}; answers "try again": ${retries}; answers that crossed a cancel: ${absences.crossed}; findings ${findings.count}`,
    );
    return findings.count === 0;
  }

  private found(kind: 'at the end: differences' | 'at the end: restarts', expected: string, came: string): void {
    new Journal('at the end', '', this.findings).report(kind, expected, came);
  }

  private async start(stop: AbortSignal): Promise<Readers> {
    const { stack } = this;
    await stack.up();
    await stack.importImage('demo-image');
    await stack.importImage('python-image');
    const client = new KubeClient(stack.admin(), 'soak');
    const agents = new AgentClient({
      tls: new TlsFolder(files.agentClient(stack.layout, 'sandbox-controller')),
      port: AGENT_PORT,
    });
    const containerd = new ContainerdClient(files.containerdSocket(stack.layout));
    this.closers.push(
      () => client.close(),
      () => agents.close(),
      () => containerd.close(),
    );
    await client.create(POOL_KIND, soakPool());
    await ready(client, stop);
    return { stack, client, agents, runtime: new SandboxRuntime(containerd) };
  }

  private caller(): Caller {
    const { layout, addresses } = this.stack;
    const credentials = stackCredentials(layout.root ?? '');
    const gateways = addresses.gateways.map((endpoint, index) => new GatewayClient(index, endpoint, credentials));
    for (const gateway of gateways) this.closers.push(() => gateway.close());
    return new Caller(gateways, files.kubeconfig(layout));
  }

  private async load(caller: Caller, absences: Absences, broken: AbortSignal): Promise<void> {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), this.options.durationMs);
    broken.addEventListener('abort', () => over.abort(), { once: true });
    const quiet = new AbortController();
    const looks = Promise.all([absences.run(quiet.signal), this.reportProgress(over.signal)]);
    const lanes = (Object.keys(LANES) as Lane[]).map((lane) => this.lane(lane, { caller, absences }, over.signal));
    await Promise.all(lanes);
    quiet.abort();
    clearTimeout(timer);
    await looks;
  }

  /** Runs the lane's operations in order, with the lane's number of concurrent callers. */
  private async lane(lane: Lane, parts: { caller: Caller; absences: Absences }, over: AbortSignal): Promise<void> {
    const lines = this.options.durationMs < SHORT_RUN_MS ? LONGEST_LINES.short : LONGEST_LINES.long;
    const shape: Shape = { gateways: parts.caller.gateways.length, longestLines: lines };
    let number = 0;
    const caller = async (): Promise<void> => {
      while (!over.aborted) {
        const mine = ++number;
        await this.runStory(storyOf(this.random, lane, mine, shape), `${lane}-${mine}`, parts);
        if (lane === 'burst') await sleep(BURST_PAUSE_MS, undefined, { signal: over }).catch(() => undefined);
      }
    };
    await Promise.all(Array.from({ length: LANES[lane] }, caller));
  }

  private async runStory(story: Story, name: string, parts: { caller: Caller; absences: Absences }): Promise<void> {
    this.stories++;
    if (story.type === 'cancelled') {
      this.sandboxes++;
      const journal = new Journal(name, name, this.findings);
      await guarded(journal, runCancelled(story, { name, label: `${name}-0` }, journal, parts));
      return;
    }
    const run = async (life: Life, index: number): Promise<void> => {
      this.sandboxes++;
      const own = story.type === 'burst' ? `${name}-${index}` : name;
      const journal = new Journal(name, own, this.findings);
      const label = story.type === 'burst' ? `${own}-0` : `${name}-${index}`;
      const kept = await guarded(journal, new LifeRun(this.thinned(life), { name: own, label }, journal, parts).live());
      if (kept) this.kept.push(kept);
    };
    if (story.type === 'burst') await Promise.all(story.lives.map(run));
    else for (const [index, life] of story.lives.entries()) await run(life, index);
  }

  /** Limits the number of kept sandboxes, which occupy slots. */
  private thinned(life: Life): Life {
    const isKept = life.ending.by === 'itself' && life.ending.keep;
    return isKept && this.kept.length >= KEPT_AT_MOST ? { ...life, ending: { by: 'itself', keep: false } } : life;
  }

  private async reportProgress(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await sleep(PROGRESS_MS, undefined, { signal: over }).catch(() => undefined);
      this.options.say(`stories ${this.stories}, sandboxes ${this.sandboxes}, findings ${this.findings.count}`);
    }
  }
}

/** Resolves when all agents of the pool are ready. */
async function ready(client: KubeClient, stop: AbortSignal): Promise<void> {
  await eventually(
    async () => {
      stop.throwIfAborted();
      const pods = (await agentPods(client)).filter(({ status }) =>
        status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
      );
      return pods.length === AGENTS;
    },
    READY_MS,
    200,
  );
}

function leftObjects({ objects }: World): string[] {
  return objects.map(
    ({ metadata, status }) => `object ${metadata.name ?? ''} is left, ${status?.phase ?? 'without a phase'}`,
  );
}

async function guarded<T>(journal: Journal, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    journal.report(
      'the model: it failed itself',
      'no error',
      error instanceof Error ? (error.stack ?? error.message) : messageOf(error),
    );
    return undefined;
  }
}

function aborted(stop: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    stop.addEventListener('abort', () => reject(stop.reason as Error), { once: true }); // runSeed aborts with an Error
  });
}
