import { AgentProcess } from '../../../test/support/agent-process';
import { eventually } from '../../../test/support/eventually';

const LONG_MS = 60_000;
/** Slots of three agents of the default size. */
const SLOTS = 15;
/** PID 1 of a container ignores signals that it does not handle. */
const DEAF = { command: ['/bin/sleep', '1000'] };

describe('node-agent: deletes', () => {
  let agent: AgentProcess;

  beforeAll(async () => {
    agent = await AgentProcess.start('grace', { 'agent-capacity': String(SLOTS) });
  }, 120_000);

  afterAll(() => agent.stop(), LONG_MS);

  const remove = (sandboxId: string, more: object = {}) => agent.post('delete', { sandboxId, ...more });

  /** @returns milliseconds */
  async function untilGone(id: string): Promise<number> {
    const began = performance.now();
    await eventually(async () => (await agent.of(id)) === undefined, LONG_MS);
    return performance.now() - began;
  }

  it(
    'kill at once with a grace period of 0, and report the exit',
    async () => {
      const leave = new AbortController();
      const lines = await agent.events(leave.signal);
      await agent.create('now', DEAF);
      await remove('now', { gracePeriodSeconds: 0 });
      expect(await untilGone('now')).toBeLessThan(9_000);
      leave.abort();
      expect(lines.some((line) => line.includes('"now"') && line.includes('"exitCode":137'))).toBe(true);
    },
    LONG_MS,
  );

  it(
    "keep to the sandbox's own grace period, also after a restart of the agent",
    async () => {
      await agent.create('short', { ...DEAF, terminationGracePeriodSeconds: 1 });
      await agent.create('long', { ...DEAF, terminationGracePeriodSeconds: 300 });
      await agent.end('SIGKILL');
      await agent.launch();
      await Promise.all([remove('short'), remove('long')]);
      expect(await untilGone('short')).toBeGreaterThan(500);
      expect((await agent.of('long'))?.phase).toBe('terminating');
      await remove('long', { gracePeriodSeconds: 200 });
      await remove('long');
      expect((await agent.of('long'))?.phase).toBe('terminating');
      await remove('long', { gracePeriodSeconds: 0 });
      await untilGone('long');
    },
    LONG_MS,
  );

  it('free slots in time for thirty creates and deletes in a row', async () => {
    const refused: unknown[] = [];
    for (let i = 0; i < 2 * SLOTS; i++) {
      const { status, body } = await agent.create(`row-${i}`, DEAF);
      if (status !== 200) refused.push(body);
      await remove(`row-${i}`, { gracePeriodSeconds: 0 });
    }
    expect(refused).toEqual([]);
    await eventually(async () => (await agent.status()).sandboxStatuses.length === 0, LONG_MS);
  }, 120_000);

  it.each([-1, 1.5, 3_601, '5'])('are refused with a grace period of %p', async (seconds) => {
    const made = await agent.create('refused', { ...DEAF, terminationGracePeriodSeconds: seconds });
    expect(made).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    expect((await remove('refused', { gracePeriodSeconds: seconds })).status).toBe(400);
  });
});
