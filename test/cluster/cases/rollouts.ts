import { eventually } from '../../support/eventually';
import { type Acknowledged, PatientCaller } from '../../support/patient-caller';
import { SteadyLoad } from '../../support/steady-load';
import { SYSTEM } from '../gateway';
import { type Product } from '../product';

const LONG_MS = 120_000;
const SERVICES = [
  'deployment/fastpath-gateway',
  'deployment/sandbox-controller',
  'deployment/pool-controller',
  'daemonset/janitor',
];
/** Ends at SIGTERM, so that its slot is freed at once. */
const REQUEST = {
  poolRef: 'default-pool',
  command: ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1 & wait; done'],
};

export function rollouts(product: () => Product): void {
  let caller: PatientCaller;
  let kept: Acknowledged[];
  let load: SteadyLoad;

  beforeAll(async () => {
    const credentials = await product().gateway.credentials('sandbox-caller');
    caller = new PatientCaller([product().gateway.endpoint], credentials);
    kept = await Promise.all([0, 1, 2].map((n) => caller.create(`kept-${n}`, REQUEST)));
    load = new SteadyLoad(caller, REQUEST);
  }, LONG_MS);

  it.each(SERVICES)(
    'of %s: loses no sandbox and no call',
    async (service) => {
      await product().kubectl('rollout', 'restart', service, '-n', SYSTEM);
      await product().kubectl('rollout', 'status', service, '-n', SYSTEM, '--timeout=55s');
      await load.goesOn(LONG_MS);
      expect(load.takeFailures()).toEqual([]);
      const running = await product().sandboxes();
      for (const { name, id } of kept) {
        expect(await caller.get(name)).toMatchObject({ sandboxId: id, phase: 'Running' });
        expect(running).toContain(id);
      }
    },
    LONG_MS,
  );

  it(
    'loses nothing and leaves nothing behind',
    async () => {
      await load.end();
      caller.close();
      expect(load.takeFailures()).toEqual([]);
      expect(load.acknowledged.length).toBeGreaterThan(20);
      const ids = kept.map(({ id }) => id).sort();
      await eventually(async () => expect((await product().sandboxes()).sort()).toEqual(ids), LONG_MS, 500);
      const names = async (): Promise<string> => product().kubectl('get', 'sandboxes', '-o', 'name');
      const wanted = kept.map(({ name }) => `/${name}`);
      await eventually(async () => expect((await names()).match(/\/(\S+)/g)).toEqual(wanted), LONG_MS, 500);
    },
    LONG_MS,
  );
}
