import { setImmediate as turn } from 'node:timers/promises';
import { FairSeats } from './fair-seats';

const open = new AbortController().signal;
const soon = (): number => Date.now() + 60_000;

/** Creates that the test ends one by one, in the order in which they began. */
class Scene {
  readonly begun: string[] = [];
  readonly refused: string[] = [];
  private readonly ends: { namespace: string; end: () => void }[] = [];
  readonly seats;

  constructor(limits = { seats: 8, waitingPerNamespace: 100, waiting: 150 }) {
    this.seats = new FairSeats(limits);
  }

  come(namespace: string, count = 1, signal = open, deadline = soon()): void {
    for (let i = 0; i < count; i++) {
      const work = (): Promise<void> => {
        this.begun.push(namespace);
        return new Promise((end) => this.ends.push({ namespace, end }));
      };
      this.seats
        .during(namespace, signal, deadline, work)
        .catch((error: unknown) => this.refused.push(`${namespace}: ${(error as Error).message}`));
    }
  }

  async end(namespace: string): Promise<void> {
    const index = this.ends.findIndex((end) => end.namespace === namespace);
    this.ends.splice(index, 1)[0]?.end();
    await turn();
  }

  count(namespace: string): number {
    return this.begun.filter((begun) => begun === namespace).length;
  }
}

it('FairSeats: leaves seats free for later namespaces', () => {
  const scene = new Scene();
  scene.come('greedy', 50);
  expect(scene.count('greedy')).toBe(4);
  scene.come('modest', 1);
  scene.come('third', 1);
  expect([scene.count('modest'), scene.count('third')]).toEqual([1, 1]);
});

it('FairSeats: serves namespaces in turn, however long one line is', async () => {
  const scene = new Scene();
  scene.come('greedy', 90);
  scene.come('modest', 10);
  const before = { greedy: scene.count('greedy'), modest: scene.count('modest') };
  for (let i = 0; i < 8; i++) await scene.end(i % 2 === 0 ? 'greedy' : 'modest');
  expect(scene.count('modest') - before.modest).toBeGreaterThanOrEqual(3);
  expect(scene.count('greedy') - before.greedy).toBeGreaterThanOrEqual(3);
});

it('FairSeats: returns every seat, so that a namespace that is alone gets its half again', async () => {
  const scene = new Scene();
  scene.come('a', 30);
  scene.come('b', 30);
  for (let i = 0; i < 60; i++) await scene.end(i % 2 === 0 ? 'a' : 'b');
  for (let i = 0; i < 60; i++) await scene.end(i % 2 === 0 ? 'b' : 'a');
  expect([scene.count('a'), scene.count('b')]).toEqual([30, 30]);
  scene.come('c', 50);
  expect(scene.count('c')).toBe(4);
});

it('FairSeats: refuses a create when seats and line are full', async () => {
  const scene = new Scene({ seats: 2, waitingPerNamespace: 1, waiting: 1 });
  scene.come('a', 3);
  await turn();
  expect(scene.refused).toEqual([
    'a: 1 creates of namespace "a" are under way and 1 wait, of at most 2 and 1; try again',
  ]);
});

it('FairSeats: refuses a waiting create at its deadline or when its caller leaves', async () => {
  const scene = new Scene({ seats: 2, waitingPerNamespace: 10, waiting: 10 });
  const leaving = new AbortController();
  scene.come('a', 1);
  scene.come('a', 1, open, Date.now());
  scene.come('a', 1, leaving.signal);
  leaving.abort();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(scene.refused).toHaveLength(2);
  await scene.end('a');
  expect(scene.count('a')).toBe(1);
});
