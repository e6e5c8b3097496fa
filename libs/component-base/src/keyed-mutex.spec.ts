import { setTimeout as sleep } from 'node:timers/promises';
import { KeyedMutex } from './keyed-mutex';

describe('KeyedMutex', () => {
  it('runs the work of one key in order, even after a failure, and of different keys concurrently', async () => {
    const mutex = new KeyedMutex();
    const order: string[] = [];
    const work =
      (name: string, ms: number, fails = false) =>
      async () => {
        order.push(`+${name}`);
        await sleep(ms);
        order.push(`-${name}`);
        if (fails) throw new Error(name);
        return name;
      };
    const results = await Promise.allSettled([
      mutex.run('a', work('a1', 20, true)),
      mutex.run('a', work('a2', 1)),
      mutex.run('b', work('b1', 1)),
    ]);
    expect(order).toEqual(['+a1', '+b1', '-b1', '-a1', '+a2', '-a2']);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });
});
