import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually';
import { type Acknowledged, PatientCaller } from '../../support/patient-caller';
import { SYSTEM } from '../gateway';
import { type Product } from '../product';

const LONG_MS = 120_000;
const PAUSE_MS = 100;
const WORKERS = 2;
const SERVICES = [
  'deployment/fastpath-gateway',
  'deployment/sandbox-controller',
  'deployment/pool-controller',
  'daemonset/janitor',
];
/** Ends at SIGTERM: a slot is free when the process is gone. */
const REQUEST = {
  poolRef: 'default-pool',
  command: ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1 & wait; done'],
};

export function rollouts(product: () => Product): void {
  const stopping = new AbortController();
  const acknowledged: Acknowledged[] = [];
  const failures: unknown[] = [];
  let caller: PatientCaller;
  let kept: Acknowledged[];
  let load: Promise<unknown>;

  beforeAll(async () => {
    const credentials = await product().gateway.credentials('sandbox-caller');
    caller = new PatientCaller([product().gateway.endpoint], credentials);
    kept = await Promise.all([0, 1, 2].map((n) => caller.create(`kept-${n}`, REQUEST)));
    load = Promise.all(Array.from({ length: WORKERS }, (_, worker) => createAndDelete(worker)));
  }, LONG_MS);

  async function createAndDelete(worker: number): Promise<void> {
    for (let n = 0; !stopping.signal.aborted; n++) {
      try {
        const sandbox = await caller.create(`load-${worker}-${n}`, REQUEST);
        acknowledged.push(sandbox);
        // the other gateway may be a second behind, on two busy cores
        const now = await eventually(() => caller.get(sandbox.name), 5_000, 50);
        if (now.sandboxId !== sandbox.id) failures.push(`${sandbox.name} became ${now.sandboxId}`);
        await caller.delete(sandbox.name);
      } catch (error) {
        failures.push(error);
      }
      await sleep(PAUSE_MS);
    }
  }

  it.each(SERVICES)(
    'of %s loses nothing',
    async (service) => {
      const before = acknowledged.length;
      await product().kubectl('rollout', 'restart', service, '-n', SYSTEM);
      await product().kubectl('rollout', 'status', service, '-n', SYSTEM, '--timeout=55s');
      await eventually(() => acknowledged.length > before + 1, LONG_MS, 100);
      expect(failures.splice(0)).toEqual([]);
      const running = await product().sandboxes();
      for (const { name, id } of kept) {
        expect(await caller.get(name)).toMatchObject({ sandboxId: id, phase: 'Running' });
        expect(running).toContain(id);
      }
    },
    LONG_MS,
  );

  it(
    'has lost nothing, and left nothing',
    async () => {
      stopping.abort();
      await load;
      caller.close();
      expect(failures).toEqual([]);
      expect(acknowledged.length).toBeGreaterThan(20);
      const ids = kept.map(({ id }) => id).sort();
      await eventually(async () => expect((await product().sandboxes()).sort()).toEqual(ids), LONG_MS, 500);
      const names = await product().kubectl('get', 'sandboxes', '-o', 'name');
      expect(names.match(/\/(\S+)/g)).toEqual(kept.map(({ name }) => `/${name}`));
    },
    LONG_MS,
  );
}
