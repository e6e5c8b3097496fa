import { ApiError } from '@fsb/api/errors';
import { ReviewCache, STALE_MS } from './review-cache';

const FRESH_MS = 100;

describe('ReviewCache', () => {
  let now = 0;
  let asked = 0;
  let answer: () => Promise<string> = () => Promise.resolve('yes');
  const ask = (): Promise<string> => {
    asked += 1;
    return answer();
  };
  const make = (maxEntries = 10): ReviewCache<string> =>
    new ReviewCache({ freshMs: () => FRESH_MS, maxEntries }, () => now);

  beforeEach(() => {
    now = 0;
    asked = 0;
    answer = () => Promise.resolve('yes');
  });

  it('shares one review among concurrent calls, then answers synchronously', async () => {
    const cache = make();
    const both = [cache.get('a', ask), cache.get('a', ask)];
    for (const one of both) expect(await one).toBe('yes');
    expect(cache.get('a', ask)).toBe('yes');
    expect(asked).toBe(1);
  });

  it('refreshes an answer in the background from half of its freshness on', async () => {
    const cache = make();
    await cache.get('a', ask);
    now = FRESH_MS / 2;
    answer = () => Promise.resolve('no');
    expect(cache.get('a', ask)).toBe('yes');
    await new Promise(setImmediate);
    expect(cache.get('a', ask)).toBe('no');
    expect(asked).toBe(2);
  });

  it('waits for a new answer after expiry; the stale one serves only while the server is unavailable', async () => {
    const cache = make();
    await cache.get('a', ask);
    now = FRESH_MS;
    answer = () => Promise.resolve('no');
    expect(await cache.get('a', ask)).toBe('no');
    now += FRESH_MS;
    answer = () => Promise.reject(new ApiError('unavailable', 'away'));
    expect(await cache.get('a', ask)).toBe('no');
    now += STALE_MS;
    await expect(cache.get('a', ask)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('gives a stale answer at once after a failed review', async () => {
    const cache = make();
    await cache.get('a', ask);
    now = FRESH_MS / 2;
    answer = () => Promise.reject(new ApiError('unavailable', 'no answer within 5000 ms'));
    expect(cache.get('a', ask)).toBe('yes');
    await new Promise(setImmediate);
    now = FRESH_MS;
    answer = () => new Promise(() => undefined); // the review hangs
    expect(cache.get('a', ask)).toBe('yes');
  });

  it('reports a forbidden review as unavailable, not as a refusal of the caller', async () => {
    answer = () => Promise.reject(new ApiError('permission_denied', 'cannot create tokenreviews'));
    await expect(make().get('a', ask)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('cannot create tokenreviews') as string,
    });
  });

  it('evicts the least recently used answer', async () => {
    const cache = make(2);
    for (const key of ['a', 'b']) await cache.get(key, ask);
    await cache.get('a', ask);
    await cache.get('c', ask);
    expect(cache.get('a', ask)).toBe('yes');
    expect(asked).toBe(3);
    expect(cache.get('b', ask)).toBeInstanceOf(Promise);
  });

  it('keeps refusals apart: they never evict other answers', async () => {
    const isRefusal = (given: string): boolean => given === 'no';
    const cache = new ReviewCache<string>({ freshMs: () => FRESH_MS, maxEntries: 2, isRefusal }, () => now);
    await cache.get('a', ask);
    answer = () => Promise.resolve('no');
    for (const key of ['b', 'c', 'd']) await cache.get(key, ask);
    expect(['a', 'b', 'c', 'd'].map((key) => cache.has(key))).toEqual([true, false, true, true]);
    now = FRESH_MS;
    expect(await cache.get('a', ask)).toBe('no'); // now a refusal, which evicts the least recently used of them
    expect(['a', 'c', 'd'].map((key) => cache.has(key))).toEqual([true, false, true]);
  });

  it('reserves seats for known keys, and gives no stale answer for want of a seat', async () => {
    const cache = make(200);
    for (let index = 0; index < 65; index++) await cache.get(`known-${index}`, ask);
    now = FRESH_MS;
    answer = () => new Promise(() => undefined); // reviews that never end
    for (let index = 0; index < 64; index++) void cache.get(`stranger-${index}`, ask);
    await expect(cache.get('stranger', ask)).rejects.toMatchObject({ code: 'unavailable' });
    answer = () => Promise.resolve('no');
    expect(await cache.get('known-0', ask)).toBe('no');
    answer = () => new Promise(() => undefined);
    for (let index = 0; index < 64; index++) void cache.get(`known-${index + 1}`, ask);
    now += FRESH_MS;
    await expect(cache.get('known-0', ask)).rejects.toMatchObject({
      message: expect.stringMatching(/too many/) as string,
    });
  });

  it('leaves no rejection unhandled when the stale answer is given and the seats for known keys are taken', async () => {
    const cache = make(200);
    for (let index = 0; index < 66; index++) await cache.get(`known-${index}`, ask);
    now = FRESH_MS;
    answer = () => Promise.reject(new ApiError('unavailable', 'away'));
    await cache.get('known-0', ask); // the API server is away from here on
    answer = () => new Promise(() => undefined); // reviews that never end
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    try {
      for (let index = 0; index < 66; index++) expect(cache.get(`known-${index}`, ask)).toBe('yes');
      await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(unhandled).toEqual([]);
  });

  it('gives one asker a quarter of the seats for unknown keys', async () => {
    const cache = make();
    answer = () => new Promise(() => undefined);
    const of = (asker: string, key: string): string | Promise<string> => cache.get(key, ask, asker);
    for (let index = 0; index < 16; index++) void of('flood', `flood-${index}`);
    await expect(of('flood', 'one more')).rejects.toMatchObject({ code: 'unavailable' });
    answer = () => Promise.resolve('yes');
    expect(await of('other', 'a')).toBe('yes');
  });

  it('refuses further reviews of unknown keys once 64 are in flight', async () => {
    const cache = make();
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    answer = () => ended.then(() => 'yes');
    const all = Array.from({ length: 65 }, (_, index) => cache.get(`key-${index}`, ask));
    await expect(all.at(-1)).rejects.toMatchObject({ code: 'unavailable' });
    end();
    for (const one of all.slice(0, -1)) expect(await one).toBe('yes');
  });
});
