import { Suspects } from './suspects';

describe('Suspects', () => {
  let now = 0;
  const suspects = new Suspects(() => now);
  const at = (ms: number): void => void (now = ms);

  it('counts from the first sighting, and from 0 again after a clear', () => {
    expect(suspects.seen('a')).toBe(0);
    at(400);
    expect(suspects.seen('a')).toBe(400);
    expect(suspects.seen('b')).toBe(0);
    at(1000);
    suspects.clearOthers(new Set(['b']));
    expect([suspects.seen('a'), suspects.seen('b')]).toEqual([0, 600]);
    suspects.cleared('b');
    expect(suspects.seen('b')).toBe(0);
  });
});
