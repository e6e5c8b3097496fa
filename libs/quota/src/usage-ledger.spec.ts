import { UsageLedger } from './usage-ledger';
import { NOTHING, usageOf } from './usage';

const small = usageOf({ cpu: '100m', memory: '1Mi', pids: '5' });
const large = usageOf({ cpu: '2', memory: '1Gi', 'ephemeral-storage': '1Gi' });

it('UsageLedger: counts a name once, by its object as soon as there is one', () => {
  const ledger = new UsageLedger();
  ledger.hold('n/a', small);
  ledger.hold('m/a', small);
  expect(ledger.of('n')).toEqual({ sandboxes: 1, milliCpu: 100, memory: 2 ** 20, pids: 5, storage: 0 });
  ledger.setObject('n/a', large);
  expect(ledger.of('n')).toEqual({ sandboxes: 1, milliCpu: 2000, memory: 2 ** 30, pids: 0, storage: 2 ** 30 });
  ledger.release('n/a');
  expect(ledger.of('n')).toEqual(large);
  ledger.setObject('n/a', undefined);
  expect(ledger.of('n')).toEqual(NOTHING);
  expect(ledger.of('m')).toEqual(small);
});

it("UsageLedger: counts an agent's report while there is no object", () => {
  const ledger = new UsageLedger();
  ledger.setReported('n/a', small);
  expect(ledger.of('n')).toEqual(small);
  ledger.setObject('n/a', large);
  expect(ledger.of('n')).toEqual(large);
  ledger.setReported('n/a', undefined);
  ledger.setObject('n/a', undefined);
  expect(ledger.of('n').sandboxes).toBe(0);
});

it('UsageLedger: returns to exactly zero after many fractions', () => {
  const ledger = new UsageLedger();
  const third = usageOf({ cpu: '0.1', memory: '0.3' });
  for (let i = 0; i < 1000; i++) ledger.hold(`n/${i}`, third);
  expect(ledger.of('n').milliCpu).toBe(100_000);
  for (let i = 0; i < 1000; i++) ledger.release(`n/${i}`);
  expect(ledger.of('n')).toEqual(NOTHING);
});
