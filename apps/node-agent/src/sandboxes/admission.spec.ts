import fc from 'fast-check';
import { Admission } from './admission';

const MIB = 1024 * 1024;
const agent = (): Admission =>
  new Admission({ slots: 3, memoryBytes: 300 * MIB, storageBytes: 30 * MIB, reservedPorts: [5758] });
const NOTHING = { ports: [], memoryBytes: undefined, storageBytes: undefined };

describe('Admission', () => {
  it.each([
    ["refuses the agent's own port", { ...NOTHING, ports: [5758] }, 'port_taken'],
    ['refuses more memory than is left', { ...NOTHING, memoryBytes: 301 * MIB }, 'memory_full'],
    ['admits all the memory there is', { ...NOTHING, memoryBytes: 300 * MIB }, undefined],
    ['refuses more storage than is left', { ...NOTHING, storageBytes: 31 * MIB }, 'storage_full'],
    ['admits all the storage there is', { ...NOTHING, storageBytes: 30 * MIB }, undefined],
  ])('%s', (_what, demand, code) => {
    expect(agent().admit('a', demand)?.code).toBe(code);
  });

  it('reports what is free, and refuses while draining', () => {
    const admission = agent();
    admission.admit('a', { ...NOTHING, ports: [80] });
    const left = { memoryBytes: 200 * MIB, storageBytes: 20 * MIB };
    expect(admission.free()).toEqual({ slots: 2, usedPorts: [5758, 80], ...left });
    expect(admission.storageOf('a')).toBe(10 * MIB);
    admission.draining = true;
    expect(admission.admit('b', NOTHING)?.code).toBe('draining');
  });

  it('never exceeds slots, memory or storage, never gives a port twice, and changes nothing on a refusal', () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 9 }).map(String),
      take: fc.boolean(),
      port: fc.integer({ min: 80, max: 83 }),
      memoryBytes: fc.option(fc.integer({ min: 0, max: 200 * MIB }), { nil: undefined }),
      storageBytes: fc.option(fc.integer({ min: 0, max: 20 * MIB }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const admission = agent();
        const live = new Set<string>();
        for (const { id, take, port, memoryBytes, storageBytes } of steps) {
          const before = admission.free();
          if (!take) {
            admission.release(id);
            live.delete(id);
          } else if (!live.has(id)) {
            const refusal = admission.admit(id, { ports: [port], memoryBytes, storageBytes });
            if (refusal) expect(admission.free()).toEqual(before);
            else live.add(id);
          }
          const { slots, usedPorts, memoryBytes: left, storageBytes: room } = admission.free();
          expect(slots).toBe(3 - live.size);
          expect(new Set(usedPorts).size).toBe(usedPorts.length);
          expect(left).toBeGreaterThanOrEqual(0);
          expect(room).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
