import { namedImages, unusedImages } from './image-collector';

const HOUR = 60 * 60_000;
const NOW = 100 * HOUR;

it('namedImages: finds images of sandboxes and warm images of pools', () => {
  const pool = {
    spec: { capacity: { poolMin: 1 }, warmImages: [{ image: 'nginx', containers: 2 }, { image: 'redis' }] },
  };
  expect(namedImages({ items: [{ spec: { image: 'busybox' } }, pool, {}] })).toEqual(['busybox', 'nginx', 'redis']);
});

describe('unusedImages', () => {
  const digests = new Map([
    ['busybox:latest', 'sha256:a'],
    ['also-busybox:1', 'sha256:a'],
    ['old:1', 'sha256:b'],
    ['new:1', 'sha256:c'],
  ]);

  it.each([
    ['no image that was used within a day', { 'sha256:a': NOW, 'sha256:b': NOW - 23 * HOUR, 'sha256:c': NOW }, []],
    ['an image that was used longer ago', { 'sha256:a': NOW, 'sha256:b': NOW - 25 * HOUR, 'sha256:c': NOW }, ['old:1']],
    ['an image with two names once', { 'sha256:a': 0, 'sha256:b': NOW, 'sha256:c': NOW }, ['also-busybox:1']],
    ['no image that is seen for the first time', {}, []],
  ])('returns %s', (_what, lastUsed, expected) => {
    expect(unusedImages(digests, new Map(Object.entries(lastUsed)), NOW)).toEqual(expected);
  });
});
