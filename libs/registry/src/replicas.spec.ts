import fc from 'fast-check';
import { Registry, type SandboxEntry } from './registry';

/** An agent that decides admissions. */
class Agent {
  readonly running = new Map<string, readonly number[]>();

  constructor(
    readonly id: string,
    private readonly slots: number,
  ) {}

  get usedPorts(): number[] {
    return [...this.running.values()].flat();
  }

  get free(): number {
    return this.slots - this.running.size;
  }

  admits(sandboxId: string, ports: readonly number[]): boolean {
    const used = this.usedPorts;
    if (this.free < 1 || ports.some((port) => used.includes(port))) return false;
    this.running.set(sandboxId, ports);
    return true;
  }
}

interface Replica {
  readonly registry: Registry;
  /** reports in flight, by agent; they and the answers keep their order, but not relative to each other */
  readonly reports: Map<string, (() => void)[]>;
  /** creates in flight to their agent, and answers in flight from it */
  readonly calls: (() => void)[];
  readonly answers: (() => void)[];
}

const SLOTS = 2;
const IDS = ['x', 'y'];
const WHAT = ['place', 'hear', 'answer', 'report', 'end', 'snapshot'] as const;
const pool = { namespace: 'ns', pool: 'p' };
const entry = (sandboxId: string, ports: readonly number[]): SandboxEntry => {
  return { sandboxId, namespace: 'ns', name: sandboxId, ports, phase: 'running' };
};
const step = fc.record({
  what: fc.constantFrom(...WHAT, 'place' as const, 'report' as const),
  replica: fc.constantFrom(0, 1),
  id: fc.constantFrom(...IDS),
  ports: fc.constantFrom([], [80], [81]),
});

/** A sandbox is admitted and ends before the answer to its create arrives; a snapshot replaces both reports. */
const ENDED_BEFORE_ITS_ANSWER = (['place', 'hear', 'end', 'snapshot'] as const).flatMap((what) =>
  IDS.map((id) => ({ what, replica: 0 as const, id, ports: [] as const })),
);

/** Two replicas and their agents, with messages delivered in any order. */
class World {
  readonly agents = new Map(IDS.map((id) => [id, new Agent(id, SLOTS)]));
  readonly replicas: Replica[] = [0, 1].map(() => {
    const registry = new Registry();
    for (const id of IDS) registry.upsertAgent({ id, ...pool, capacity: SLOTS, images: [], schedulable: true });
    return { registry, reports: new Map(IDS.map((id) => [id, []])), calls: [], answers: [] };
  });
  private count = 0;

  do(what: (typeof WHAT)[number], replica: Replica, id: string, ports: readonly number[]): void {
    const steps = {
      place: () => this.place(replica, ports),
      hear: () => replica.calls.shift()?.(),
      answer: () => replica.answers.shift()?.(),
      report: () => replica.reports.get(id)?.shift()?.(),
      end: () => this.end(id),
      snapshot: () => this.snapshot(replica, id),
    };
    steps[what]();
  }

  /** Delivers everything, the answers last; then each agent's heartbeat. */
  settle(): void {
    for (const { calls } of this.replicas) while (calls.length > 0) calls.shift()?.();
    for (const { reports, answers, registry } of this.replicas) {
      for (const inFlight of reports.values()) while (inFlight.length > 0) inFlight.shift()?.();
      while (answers.length > 0) answers.shift()?.();
      for (const id of IDS) registry.settleReports(id);
    }
  }

  fitting(ports: readonly number[]): string[] {
    const fits = ({ free, usedPorts }: Agent) => free > 0 && !ports.some((port) => usedPorts.includes(port));
    return [...this.agents.values()].filter(fits).map(({ id }) => id);
  }

  private place({ registry, calls, answers }: Replica, ports: readonly number[]): void {
    const id = registry.choose({ ...pool, image: 'i', ports, exclude: new Set() });
    if (id === undefined) return;
    const sandboxId = `s${++this.count}`;
    expect(registry.reserve(id, entry(sandboxId, ports))).toBe(true);
    calls.push(() => {
      const agent = this.agents.get(id)!;
      const admitted = agent.admits(sandboxId, ports);
      if (admitted) this.report(id, (receiver) => receiver.setSandbox(id, entry(sandboxId, ports)));
      const left = { slots: agent.free, usedPorts: agent.usedPorts };
      answers.push(() => {
        if (admitted) {
          registry.confirm(id, sandboxId);
          return;
        }
        registry.release(id, sandboxId);
        registry.applyRefusal(id, left);
      });
    });
  }

  private end(id: string): void {
    const { running } = this.agents.get(id)!;
    const [sandboxId] = running.keys();
    if (sandboxId === undefined) return;
    running.delete(sandboxId);
    this.report(id, (registry) => registry.removeSandbox(id, sandboxId));
  }

  private snapshot({ registry, reports }: Replica, id: string): void {
    reports.set(id, []);
    registry.replaceSandboxes(
      id,
      [...this.agents.get(id)!.running].map(([sandboxId, ports]) => entry(sandboxId, ports)),
    );
  }

  private report(id: string, apply: (registry: Registry) => void): void {
    for (const { registry, reports } of this.replicas) reports.get(id)?.push(() => apply(registry));
  }
}

describe('Registry in two replicas', () => {
  it('gives no slot or port twice, and converges, for any order of creates, refusals and reports', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const world = new World();
        for (const { what, replica, id, ports } of steps) {
          world.do(what, world.replicas[replica]!, id, ports);
          for (const { running, usedPorts } of world.agents.values()) {
            expect(running.size).toBeLessThanOrEqual(SLOTS);
            expect(new Set(usedPorts).size).toBe(usedPorts.length);
          }
        }
        world.settle();
        for (const { registry } of world.replicas) {
          for (const ports of [[], [80], [81]]) {
            const chosen = registry.choose({ ...pool, image: 'i', ports, exclude: new Set() });
            if (chosen === undefined) expect(world.fitting(ports)).toEqual([]);
            else expect(world.fitting(ports)).toContain(chosen);
          }
          for (const { id, free } of world.agents.values()) expect(registry.freeSlots(id)).toBe(free);
        }
      }),
      { numRuns: 1_000, examples: [[ENDED_BEFORE_ITS_ANSWER]] },
    );
  });

  it('finds the only agent with a free port without a walk over the others', () => {
    const registry = new Registry();
    const count = 20_000;
    for (let i = 0; i < count; i++) {
      const id = `a${i}`;
      registry.upsertAgent({ id, namespace: 'ns', pool: 'p', capacity: 3, images: ['i'], schedulable: true });
      registry.reserve(id, entry(`s${i}`, [i === 7 ? 8443 : 80])); // as loaded as the others
    }
    const wish = { namespace: 'ns', pool: 'p', image: 'i', exclude: new Set<string>() };
    const started = performance.now();
    for (let i = 0; i < 1_000; i++) expect(registry.choose({ ...wish, ports: [443, 80] })).toBe('a7');
    expect(performance.now() - started).toBeLessThan(2_000); // a walk would examine twenty million agents: minutes
    registry.reserve('a7', entry('last', [80]));
    expect(registry.choose({ ...wish, ports: [80] })).toBeUndefined();
    expect(registry.choose({ ...wish, ports: [81] })).toBeDefined();
    for (let i = 0; i < count; i++) if (i !== 9) registry.release(`a${i}`, `s${i}`);
    expect(registry.choose({ ...wish, ports: [80] })).not.toBe('a9');
  });

  it('agrees with a walk on agents with crowded ports', () => {
    const change = fc.record({
      agent: fc.integer({ min: 0, max: 47 }),
      port: fc.constantFrom(80, 81, 82),
      what: fc.constantFrom('take', 'take', 'free', 'unschedulable', 'schedulable'),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 50, maxLength: 400 }), (changes) => {
        const registry = new Registry();
        const used = Array.from({ length: 48 }, () => new Set<number>());
        const schedulable = Array.from({ length: 48 }, () => true);
        const show = (index: number): void => {
          const own = { namespace: 'ns', pool: 'p', capacity: 9, images: index % 2 ? ['i'] : [] };
          registry.upsertAgent({ id: String(index), ...own, schedulable: schedulable[index]! });
        };
        for (let index = 0; index < 48; index++) show(index);
        for (const { agent, port, what } of changes) {
          const id = String(agent);
          if (what === 'take') registry.setSandbox(id, entry(`${id}-${port}`, [port]));
          if (what === 'take') used[agent]!.add(port);
          if (what === 'free') registry.removeSandbox(id, `${id}-${port}`);
          if (what === 'free') used[agent]!.delete(port);
          if (what.endsWith('schedulable')) schedulable[agent] = what === 'schedulable';
          show(agent);
        }
        for (const ports of [[80], [80, 81], [80, 81, 82]]) {
          const wish = { namespace: 'ns', pool: 'p', image: 'i', ports, exclude: new Set<string>() };
          const chosen = registry.choose(wish);
          const fits = used.flatMap((taken, index) =>
            schedulable[index] && !ports.some((port) => taken.has(port)) ? String(index) : [],
          );
          if (chosen === undefined) expect(fits).toEqual([]);
          else expect(fits).toContain(chosen);
        }
      }),
    );
  });
});
