import { setTimeout as sleep } from 'node:timers/promises';
import { Traffic } from './traffic';

const LONG_MS = 60_000;

describe('Traffic', () => {
  it('has a lull before the first call', async () => {
    await new Traffic().lull(LONG_MS);
  });

  it('lull: resolves once the last call has ended', async () => {
    const traffic = new Traffic();
    const order: string[] = [];
    const calls = [60, 30].map((ms) => traffic.during(async () => sleep(ms).then(() => order.push(`call ${ms}`))));
    const work = traffic.lull(LONG_MS).then(() => order.push('work'));
    await Promise.all([...calls, work]);
    expect(order).toEqual(['call 30', 'call 60', 'work']);
    await traffic.lull(LONG_MS); // the lull lasts
  });

  it('lull: resolves after its limit, even during a call', async () => {
    const traffic = new Traffic();
    let isOver = false;
    const call = traffic.during(async () => sleep(300).then(() => (isOver = true)));
    await traffic.lull(20);
    expect(isOver).toBe(false);
    await call;
  });

  it("during: rethrows a call's error and counts the call as ended", async () => {
    const traffic = new Traffic();
    await expect(traffic.during(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await traffic.lull(LONG_MS);
  });
});
