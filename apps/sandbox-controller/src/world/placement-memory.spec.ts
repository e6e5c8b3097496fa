import { PlacementMemory } from './placement-memory';

describe('PlacementMemory', () => {
  it('doubles the pause each time, up to 30 s, and clears the excluded agents', () => {
    const memory = new PlacementMemory();
    memory.exclude('a', 'agent');
    expect([...memory.excluded('a')]).toEqual(['agent']);
    const pauses = Array.from({ length: 8 }, () => {
      memory.backOff('a', 1_000);
      return memory.notBefore('a') - 1_000;
    });
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(memory.excluded('a').size).toBe(0);
    memory.drop('a');
    expect(memory.notBefore('a')).toBe(0);
  });

  it('wakes only objects that wait for a slot of the pool, longest wait first', () => {
    const memory = new PlacementMemory();
    memory.backOff('first', 0, 'ns/pool');
    memory.backOff('second', 0, 'ns/pool');
    memory.backOff('image', 0);
    memory.backOff('first', 0, 'ns/pool');
    expect(memory.wake('ns/other', 9)).toEqual([]);
    expect(memory.wake('ns/pool', 1)).toEqual(['second']);
    expect(memory.notBefore('second')).toBe(0);
    expect(memory.wake('ns/pool', 9)).toEqual(['first']);
    expect(memory.wake('ns/pool', 9)).toEqual([]);
    expect(memory.notBefore('image')).toBe(500);
  });
});
