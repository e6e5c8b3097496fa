import { setTimeout as sleep } from 'node:timers/promises';
import { ConsistencyMode } from '@fsb/api/gen/fastpath/v1/fastpath';
import { TIMINGS_ANNOTATION } from '@fsb/api/labels';
import { type Sandbox } from '@fsb/api/sandbox';
import { SANDBOX_KIND } from '@fsb/controller-runtime/kinds';
import { SeededRandom } from '../../../test/support/seeded-random';
import { eventually } from '../../../test/support/eventually';
import { GatewayCalls } from './testing/gateway-calls';
import { GatewayScene } from './testing/gateway-scene';

/**
 * Processes in all, half of them started warm. `FSB_EXITS=10000 npx jest apps/fastpath-gateway/src/exits.node.spec.ts` takes
 * about an hour.
 */
const PROCESSES = Number(process.env['FSB_EXITS'] ?? 500);
const SEED = process.env['SEED'] ?? 'exits';
/** Processes between two looks at the objects; in every second round the agent is killed. */
const ROUND = 25;
/** Concurrent callers, alternating every two rounds: an idle gateway binds at once, a busy one later. */
const CALLERS = [1, 5] as const;
const SLOTS = 8;
/** Longest run times of a process. Half of the processes end within the shorter one, about when they are bound. */
const LONGEST_MS = [60, 300] as const;
const SOON = 60_000;

interface Wanted {
  readonly name: string;
  readonly exitCode: number;
}

/** All exit codes of a process, with those that the task of a dead shim gets (137, 255). */
describe.each([
  ['warm', '6'],
  ['cold', '0'],
])('exits of short processes, %s start', (start, waiting) => {
  const random = new SeededRandom(`${SEED}/${start}`);
  let scene: GatewayScene;
  let calls: GatewayCalls;

  beforeAll(async () => {
    const flags = { 'agent-capacity': String(SLOTS), 'warm-containers': waiting };
    scene = await GatewayScene.start(`exits-${start}`, {}, flags);
    calls = new GatewayCalls(scene.sandboxes);
  }, 300_000);

  afterAll(() => scene.stop(), 120_000);

  /** Creates a process; retries under another name while the agent is away: only an answer of OK is a promise. */
  async function create(round: number, index: number): Promise<Wanted> {
    const consistencyMode = index % 2 === 0 ? ConsistencyMode.FAST : ConsistencyMode.STRONG;
    const exitCode = random.chance(0.3) ? 0 : random.between(1, 255);
    const command = ['/bin/sh', '-c', `sleep ${random.between(0, random.pick(LONGEST_MS)) / 1000}; exit ${exitCode}`];
    for (let attempt = 0; ; attempt++) {
      const name = `p-${round}-${index}-${attempt}`;
      const { code } = await calls.create(name, { command, consistencyMode });
      if (code === 'OK') return { name, exitCode };
      await sleep(100); // refused at once: the agent is full or away
    }
  }

  async function run(round: number): Promise<Wanted[]> {
    const indices = Array.from({ length: ROUND }, (_, index) => index);
    const made: Wanted[] = [];
    const caller = async (): Promise<void> => {
      for (let index = indices.shift(); index !== undefined; index = indices.shift())
        made.push(await create(round, index));
    };
    const crowd = CALLERS[Math.floor(round / 2) % 2] ?? 1;
    const callers = Promise.all(Array.from({ length: crowd }, caller));
    if (round % 2 === 1) {
      const before = random.between(1, ROUND - crowd);
      await eventually(() => made.length >= before, SOON, 1);
      await scene.agent.end('SIGKILL');
      await scene.agent.launch();
    }
    await callers;
    return made;
  }

  const objects = async (): Promise<Map<string, Sandbox>> => {
    const { items } = await scene.kube.list(SANDBOX_KIND, { namespace: 'default' });
    return new Map(items.map((object) => [object.metadata.name ?? '', object]));
  };

  /** One line if the object does not have the exit that its process had; else none. */
  function lost({ name, exitCode }: Wanted, object: Sandbox | undefined): string[] {
    const { phase, reason, finishedAt, message, ...status } = object?.status ?? {};
    const found = { phase, reason, exitCode: status.exitCode, isDated: finishedAt !== undefined };
    const right =
      exitCode === 0
        ? { phase: 'Succeeded', reason: 'Completed', exitCode, isDated: true }
        : { phase: 'Failed', reason: 'Error', exitCode, isDated: true };
    return JSON.stringify(found) === JSON.stringify(right)
      ? []
      : [`${name} exited with ${exitCode}: ${JSON.stringify(found)} ${message ?? ''}`];
  }

  const hasEnded = (object: Sandbox | undefined): boolean =>
    object?.status?.phase === 'Succeeded' || object?.status?.phase === 'Failed';

  async function clear(): Promise<void> {
    const names = [...(await objects()).keys()];
    await Promise.all(names.map((name) => scene.kube.delete(SANDBOX_KIND, { namespace: 'default', name })));
    await eventually(async () => expect(await scene.left()).toEqual([]), SOON);
  }

  it(
    'all reach their objects, also under a kill of the agent',
    async () => {
      const missing: string[] = [];
      let warm = 0;
      const rounds = Math.ceil(PROCESSES / 2 / ROUND);
      for (let round = 0; round < rounds; round++) {
        const made = await run(round);
        await eventually(async () => {
          const found = await objects();
          expect(made.filter(({ name }) => !hasEnded(found.get(name)))).toEqual([]);
        }, SOON).catch(() => undefined); // lost ones are named below
        const found = await objects();
        missing.push(...made.flatMap((wanted) => lost(wanted, found.get(wanted.name))));
        for (const { metadata } of found.values())
          if (metadata.annotations?.[TIMINGS_ANNOTATION]?.includes('launch')) warm++;
        await clear();
      }
      console.log(`${start}: ${rounds * ROUND} processes, ${warm} of the FAST ones warm, ${missing.length} exits lost`);
      expect(missing).toEqual([]);
      expect(warm > 0).toBe(start === 'warm');
    },
    120_000 + PROCESSES * 2_000,
  );
});
