import { type PullActivity, PullWatch } from './pull-limits';

const LIMITS = { maxBytes: 1024, progressTimeoutMs: 60_000 };
const at = (position: string, fetchedBytes = 0, unpackedBytes = 0): PullActivity => {
  return { position, fetchedBytes, unpackedBytes };
};

it('PullWatch: allows a pull with progress, however slow', () => {
  const watch = new PullWatch('i', LIMITS, 0);
  for (let now = 0; now < 3_600_000; now += 59_000) expect(watch.update(at(`${now}`), now)).toBeUndefined();
});

it.each([
  ['nothing at all', ''],
  ['nothing more', 'some'],
])('PullWatch: ends a pull of which %s comes, naming the image', (_, position) => {
  const watch = new PullWatch('a/b:1', LIMITS, 0);
  expect(watch.update(at(position), 1_000)).toBeUndefined();
  expect(watch.update(at(position), 59_000)).toBeUndefined();
  const reason = watch.update(at(position), 61_000);
  expect(reason).toMatchObject({ code: 'not_found' });
  expect(reason?.message).toMatch(/^image: a\/b:1 cannot be pulled: nothing has come of it for 6[01] s$/);
});

it.each([
  ['fetched', at('x', 1025, 0)],
  ['unpacked', at('x', 0, 1025)],
])('PullWatch: ends a pull that has %s more than its limit', (_, activity) => {
  const watch = new PullWatch('a/b:1', LIMITS, 0);
  expect(watch.update(at('x', 1024, 1024), 1)).toBeUndefined();
  expect(watch.update(activity, 2)).toMatchObject({
    code: 'failed_precondition',
    message: expect.stringMatching(/^image: a\/b:1 is larger than 1Ki/) as string,
  });
});
