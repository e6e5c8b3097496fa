import fc from 'fast-check';
import { type Candidate, Registry } from './registry';

const agent = (id: string, images: string[] = [], capacity = 3) => ({
  ...{ id, images, capacity },
  ...{ namespace: 'ns', pool: 'p', schedulable: true },
});
const demand = (more: Partial<Candidate> = {}): Candidate => ({
  ...{ namespace: 'ns', pool: 'p', image: 'i', ports: [], exclude: new Set<string>() },
  ...more,
});
const entry = (sandboxId: string, ports: number[] = []) => ({
  sandboxId,
  namespace: 'ns',
  name: `n-${sandboxId}`,
  ports,
});

describe('Registry', () => {
  it('choose: prefers the image, then the least loaded; skips used ports and excluded agents', () => {
    const registry = new Registry();
    registry.upsertAgent(agent('plain'));
    registry.upsertAgent(agent('cached', ['i'], 2));
    expect(registry.choose(demand())).toBe('cached');
    expect(registry.choose(demand({ image: 'other' }))).toBe('plain');
    registry.reserve('cached', entry('a', [80]));
    expect(registry.choose(demand({ ports: [80] }))).toBe('plain');
    expect(registry.choose(demand({ exclude: new Set(['plain', 'cached']) }))).toBeUndefined();
    registry.upsertAgent({ ...agent('cached', ['i'], 2), schedulable: false });
    expect(registry.choose(demand())).toBe('plain');
    expect(registry.choose(demand({ namespace: 'elsewhere' }))).toBeUndefined();
  });

  it('choose: prefers a standby container of the image, even on a fuller agent', () => {
    const registry = new Registry();
    registry.upsertAgent(agent('cached', ['i'], 3));
    registry.upsertAgent({ ...agent('waits', ['i'], 2), waiting: ['i'] });
    expect(registry.choose(demand())).toBe('waits');
    expect(registry.choose(demand({ exclude: new Set(['waits']) }))).toBe('cached');
    registry.upsertAgent({ ...agent('waits', ['i'], 2), waiting: [] });
    expect(registry.choose(demand())).toBe('cached');
    registry.upsertAgent({ ...agent('waits', ['i'], 2), waiting: ['i'] });
    for (const id of ['a', 'b']) registry.reserve('waits', entry(id));
    expect(registry.choose(demand())).toBe('cached'); // that one is full
  });

  it('keeps a reservation over a snapshot, and a report over a release', () => {
    const registry = new Registry();
    registry.upsertAgent(agent('x'));
    registry.reserve('x', entry('a'));
    registry.replaceSandboxes('x', []);
    expect(registry.find('ns', 'n-a')?.agentId).toBe('x');
    registry.setSandbox('x', { ...entry('a'), phase: 'running' });
    registry.release('x', 'a');
    expect(registry.freeSlots('x')).toBe(2);
    registry.removeAgent('x');
    expect(registry.find('ns', 'n-a')).toBeUndefined();
  });

  it('drops a confirmed reservation at a snapshot without it', () => {
    const registry = new Registry();
    registry.upsertAgent(agent('x'));
    registry.reserve('x', entry('a'));
    registry.confirm('x', 'a');
    registry.release('x', 'a');
    expect(registry.freeSlots('x')).toBe(2);
    registry.replaceSandboxes('x', []);
    expect(registry.freeSlots('x')).toBe(3);
  });

  it('correct: holds what a refusing agent says until it reports again', () => {
    const registry = new Registry();
    registry.upsertAgent(agent('x'));
    registry.reserve('x', entry('mine'));
    registry.applyRefusal('x', { slots: 1, usedPorts: [80] });
    expect(registry.freeSlots('x')).toBe(1);
    expect(registry.choose(demand({ ports: [80] }))).toBeUndefined();
    registry.release('x', 'mine');
    expect(registry.freeSlots('x')).toBe(2);
    registry.setSandbox('x', { ...entry('theirs'), phase: 'running' });
    expect(registry.freeSlots('x')).toBe(2);
    expect(registry.choose(demand({ ports: [80] }))).toBe('x');
  });

  it('agrees with a simple model over any sequence of steps', () => {
    const step = fc.record({
      id: fc.constantFrom('a', 'b'),
      sandbox: fc.constantFrom('1', '2', '3', '4'),
      what: fc.constantFrom('reserve', 'release', 'running', 'stopped', 'removed'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const registry = new Registry();
        const model: Record<string, Map<string, string>> = { a: new Map(), b: new Map() };
        for (const id of ['a', 'b']) registry.upsertAgent(agent(id));
        const free = (id: string) => 3 - [...model[id]!.values()].filter((phase) => phase !== 'stopped').length;
        for (const { id, sandbox, what } of steps) {
          const key = id + sandbox;
          if (what === 'reserve') {
            const possible = free(id) > 0;
            expect(registry.reserve(id, entry(key))).toBe(possible);
            if (possible) model[id]!.set(key, 'reserved');
          } else if (what === 'release') {
            registry.release(id, key);
            if (model[id]!.get(key) === 'reserved') model[id]!.delete(key);
          } else if (what === 'removed') {
            registry.removeSandbox(id, key);
            model[id]!.delete(key);
          } else if (free(id) > 0 || model[id]!.has(key)) {
            registry.setSandbox(id, { ...entry(key), phase: what });
            model[id]!.set(key, what);
          }
          for (const name of ['a', 'b']) expect(registry.freeSlots(name)).toBe(Math.max(0, free(name)));
          const most = Math.max(free('a'), free('b'));
          const chosen = registry.choose(demand());
          expect(chosen === undefined ? 0 : free(chosen)).toBe(Math.max(0, most));
          expect(registry.find('ns', `n-${key}`) !== undefined).toBe(model[id]!.has(key));
        }
      }),
    );
  });

  it('choose: among 100,000 agents, without a scan', () => {
    const registry = new Registry();
    for (let i = 0; i < 100_000; i++) registry.upsertAgent(agent(String(i)));
    const started = performance.now();
    for (let i = 0; i < 10_000; i++) registry.choose(demand());
    expect(performance.now() - started).toBeLessThan(1_000); // a scan would take minutes
  });
});
