import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually';
import { EXPECTED, isExpected, outcomesIn } from './testing/expected-outcomes';
import { type Beats, Neighbour } from './testing/neighbour';
import { SecurityScene } from './testing/security-scene';

const LONG_MS = 60_000;
/** Long enough for a hundred beats on a busy machine. */
const WINDOW_MS = 3_000;
/** Others use these two cores too: what is asked is that nobody starves. */
const SLOWER_AT_MOST = 10;
const QUIET_P50_AT_LEAST_MS = 2;
const LIMITS = { cpu: '500m', memory: '64Mi', pids: '64', 'ephemeral-storage': String(20 * 1024 * 1024) };

describe('what a hostile sandbox, root in its container, reaches of its host', () => {
  let scene: SecurityScene;
  let neighbour: Neighbour;
  let quiet: Beats;
  const table: string[] = [];

  beforeAll(async () => {
    scene = await SecurityScene.start();
    neighbour = await Neighbour.start(scene);
    quiet = await neighbour.during(WINDOW_MS);
  }, 120_000);

  afterAll(async () => {
    console.log(['attempt | what came back', ...table].join('\n'));
    await scene.stop();
  }, 60_000);

  it.each(['cold', 'warm'] as const)(
    'made %s: nothing but what SECURITY.md names',
    async (start) => {
      const id = `hostile-${start}`;
      await scene.create(id, start, { command: ['/prober'], env: await scene.targets() });
      await scene.agent.ended(id, LONG_MS);
      const outcomes = outcomesIn(scene.log(id));
      if (start === 'cold') table.push(...Object.entries(outcomes).map((row) => row.join(' | ')));
      expect(Object.keys(outcomes).sort()).toEqual(Object.keys(EXPECTED).sort());
      const surprises = Object.entries(outcomes).filter(([attempt, outcome]) => !isExpected(attempt, outcome));
      expect(surprises).toEqual([]);
      await scene.remove(id);
    },
    90_000,
  );

  it.each<[string, 'warm' | 'cold', (id: string) => Promise<string>]>([
    ['fork-bomb', 'warm', (id) => refusedForks(id)],
    ['memory-bomb', 'cold', (id) => endedWith(id, 'OOMKilled')],
    ['fill-disk', 'warm', (id) => endedWith(id, 'EphemeralStorageExceeded')],
    ['fill-log', 'cold', (id) => endedWith(id, 'EphemeralStorageExceeded')],
  ])(
    'with a %s (%s): its own limits, and the neighbour goes on',
    async (load, start, outcome) => {
      const during = neighbour.during(WINDOW_MS);
      await scene.create(load, start, { command: ['/prober', load], resources: LIMITS });
      const reason = await outcome(load);
      const beats = await during;
      table.push(`${load} | ${reason}; the neighbour's p50 ${quiet.p50} ms before, ${beats.p50} ms during`);
      expect(beats.failed).toBe(0);
      expect(beats.count).toBeGreaterThan(quiet.count / SLOWER_AT_MOST);
      expect(beats.p50).toBeLessThan(Math.max(quiet.p50, QUIET_P50_AT_LEAST_MS) * SLOWER_AT_MOST);
      await scene.remove(load);
    },
    90_000,
  );

  it("takes the agent's port while it is away, and is not taken for it", async () => {
    const { agent } = scene;
    await scene.create('squatter', 'cold', { command: ['/prober', 'squat', String(agent.port)] });
    await eventually(() => scene.log('squatter').includes('waits'));
    await agent.end('SIGKILL');
    await eventually(() => scene.log('squatter').includes('took it'));
    const answer = await agent.status().then(
      () => 'an answer',
      (error: unknown) => String((error as NodeJS.ErrnoException).code),
    );
    expect(answer).toMatch(/ECONNRESET|EPROTO|ERR_SSL/);
    table.push(`the agent's port while it is away | DONE, and its callers get ${answer}`);
    await scene.kill('squatter');
    await agent.launch();
    expect(await agent.of('neighbour')).toMatchObject({ phase: 'running' });
  }, 90_000);

  async function endedWith(id: string, reason: string): Promise<string> {
    expect(await scene.agent.ended(id, LONG_MS)).toMatchObject({ phase: 'failed', reason });
    return reason;
  }

  async function refusedForks(id: string): Promise<string> {
    await eventually(async () => /max [1-9]/.test(await scene.cgroupFile(id, 'pids', 'pids.events')), LONG_MS);
    await sleep(WINDOW_MS);
    expect(Number(await scene.cgroupFile(id, 'pids', 'pids.current'))).toBeLessThanOrEqual(Number(LIMITS.pids));
    await scene.kill(id); // it would wait for its grace period
    return `refused (EAGAIN) at ${LIMITS.pids} processes`;
  }
});
