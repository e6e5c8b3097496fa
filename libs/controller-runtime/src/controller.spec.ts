import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { eventually } from '../../../test/support/eventually';
import { Controller, type ControllerOptions } from './controller';
import { ControllerMetrics } from './metrics';
import { type Reconciler, TerminalError } from './reconciler';

beforeAll(() => {
  Logger.overrideLogger(false);
});

const controller = (reconcile: Reconciler['reconcile'], options: Partial<ControllerOptions> = {}): Controller =>
  new Controller({ reconcile }, { name: 'spec', concurrency: 1, ...options });

it('Controller: coalesces keys, and never runs a key twice at once', async () => {
  const seen: string[] = [];
  const running = new Set<string>();
  let most = 0;
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const tested = controller(
    async (key) => {
      if (running.has(key)) throw new Error('overlap');
      running.add(key);
      most = Math.max(most, running.size);
      await gate;
      seen.push(key);
      running.delete(key);
    },
    { concurrency: 3 },
  );
  for (let i = 0; i < 10; i++) for (const key of ['a', 'b', 'c', 'd']) tested.queue.add(key);
  tested.start();
  await eventually(() => expect(running.has('a')).toBe(true));
  tested.queue.add('a');
  tested.queue.add('a');
  release();
  await eventually(() => expect(seen.filter((key) => key === 'a')).toHaveLength(2));
  await tested.stop(1000);
  expect(seen.filter((key) => key === 'd')).toHaveLength(1);
  expect(most).toBe(3);
});

it('Controller: retries with back-off, but not after a terminal error, and counts both', async () => {
  const at: number[] = [];
  let terminal = 0;
  const registry = new Registry();
  const tested = controller(
    (key) => {
      if (key === 't') {
        terminal++;
        throw new TerminalError('no');
      }
      at.push(performance.now());
      return at.length < 5 ? Promise.reject(new Error('x')) : Promise.resolve();
    },
    { queue: { baseDelayMs: 10 }, metrics: new ControllerMetrics(registry) },
  );
  tested.start();
  tested.queue.add('k');
  tested.queue.add('t');
  await eventually(() => expect(at).toHaveLength(5));
  await tested.stop(100);
  const gaps = at.slice(1).map((time, i) => time - at[i]!);
  expect(gaps[3]).toBeGreaterThan(gaps[0]! * 3);
  expect(terminal).toBe(1);
  const text = await registry.metrics();
  expect(text).toContain('controller_runtime_reconcile_total{controller="spec",result="error"} 4');
  expect(text).toContain('controller_runtime_reconcile_total{controller="spec",result="terminal"} 1');
  expect(text).toContain('controller_runtime_reconcile_total{controller="spec",result="requeue_after"} 0');
  expect(text).toContain('workqueue_depth{name="spec"} 0');
});

it('Controller: stop waits for the reconcile in flight, and aborts its signal after the grace period', async () => {
  let started = false;
  const tested = controller((_key, signal) => {
    started = true;
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  });
  tested.start();
  tested.queue.add('k');
  await eventually(() => started);
  const before = performance.now();
  await tested.stop(50);
  expect(performance.now() - before).toBeGreaterThan(40);
});

it('Controller: keeps no keys before its start, then adds all keys', async () => {
  const seen: string[] = [];
  const tested = controller(
    (key) => {
      seen.push(key);
      return Promise.resolve();
    },
    { allKeys: () => ['a', 'b'] },
  );
  tested.queue.add('long gone');
  expect(tested.queue.depth).toBe(0);
  tested.start();
  await eventually(() => expect(seen).toEqual(['a', 'b']));
  await tested.stop(0);
});

it('Controller: requeues a key after the requested delay, at the earliest of several', async () => {
  let runs = 0;
  const tested = controller(() => Promise.resolve(++runs === 1 ? { requeueAfterMs: 10 } : undefined));
  tested.start();
  tested.queue.addAfter('k', 60_000);
  tested.queue.addAfter('k', 1);
  await eventually(() => expect(runs).toBe(2));
  await tested.stop(0);
});

it('Controller: reconciles every key after its last add, never twice at once (property)', async () => {
  const steps = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), gap: fc.integer({ min: 0, max: 3 }) }), {
    maxLength: 40,
  });
  const property = fc.asyncProperty(steps, async (operations) => {
    const added = new Map<string, number>();
    const startedAt = new Map<string, number>();
    const running = new Set<string>();
    let clock = 0;
    let overlap = false;
    const tested = controller(
      async (key) => {
        overlap ||= running.has(key);
        running.add(key);
        startedAt.set(key, ++clock);
        await Promise.resolve();
        await Promise.resolve();
        running.delete(key);
      },
      { concurrency: 2 },
    );
    tested.start();
    for (const { key, gap } of operations) {
      added.set(key, ++clock);
      tested.queue.add(key);
      for (let i = 0; i < gap; i++) await Promise.resolve();
    }
    await eventually(() => [...added].every(([key, when]) => (startedAt.get(key) ?? -1) > when), 1_000, 1);
    await tested.stop(10);
    expect(overlap).toBe(false);
  });
  await fc.assert(property, { numRuns: 100 });
});
