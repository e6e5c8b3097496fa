import { AgentProcess } from '../../../test/support/agent-process';
import { eventually } from '../../../test/support/eventually';

const LONG_MS = 60_000;
const GROW = 'x=a; while :; do x=$x$x$x; done';
const SMALL = { resources: { memory: '16Mi' } };
const sh = (script: string): string[] => ['/bin/sh', '-c', script];

describe.each([
  ['warm', '3'],
  ['cold', '0'],
])('node-agent: exits of sandboxes started %s', (start, waiting) => {
  let agent: AgentProcess;

  beforeAll(async () => {
    const warmImages = JSON.stringify(waiting === '0' ? [] : [{ image: 'busybox', containers: 3 }]);
    agent = await AgentProcess.start(`exits-${start}`, { 'warm-containers': waiting, 'warm-images': warmImages });
  }, 120_000);

  afterAll(() => agent.stop(), LONG_MS);

  /** Makes a sandbox with the start of this block; a warm one once there is a standby container. */
  async function create(id: string, more: object): Promise<void> {
    if (start === 'warm') await eventually(async () => (await agent.status()).waiting?.length === 1, LONG_MS);
    const { status, body } = await agent.create(id, more);
    expect(status).toBe(200);
    expect(body.stages?.some(({ name }) => name === 'launch')).toBe(start === 'warm');
  }

  async function remove(id: string): Promise<void> {
    await agent.post('delete', { sandboxId: id });
    await eventually(async () => (await agent.of(id)) === undefined, LONG_MS);
  }

  it('are Completed where the process completes, also where the kernel OOM-killed a child', async () => {
    await create('parent', { command: sh(`(${GROW}); exit 0`), ...SMALL });
    const ended = await agent.ended('parent', LONG_MS);
    expect(ended).toMatchObject({ phase: 'stopped', exitCode: 0, reason: 'Completed' });
    expect(ended.message).toContain('for want of memory');
    await remove('parent');
  }, 90_000);

  it('are OOMKilled where memory runs out at once, also where the sandbox is bound meanwhile', async () => {
    await create('eats', { command: sh(GROW), ...SMALL });
    const bound = agent.post('bind', { sandboxId: 'eats', claimUid: 'u' });
    expect(await agent.ended('eats', LONG_MS)).toMatchObject({ phase: 'failed', exitCode: 137, reason: 'OOMKilled' });
    await bound;
    expect(await agent.of('eats')).toMatchObject({ claimUid: 'u', exitCode: 137, reason: 'OOMKilled' });
    await remove('eats');
  }, 90_000);

  it('are known to a restarted agent that was dead, with containerd restarted too', async () => {
    await create('codes', { command: sh('sleep 1; exit 255') });
    await create('eats', { command: sh(`sleep 1; ${GROW}`), ...SMALL });
    await agent.end('SIGKILL');
    await agent.containerd.kill();
    await agent.containerd.restart();
    await agent.launch();
    expect(await agent.ended('codes', LONG_MS)).toMatchObject({ phase: 'failed', exitCode: 255, reason: 'Error' });
    expect(await agent.ended('eats', LONG_MS)).toMatchObject({ phase: 'failed', exitCode: 137, reason: 'OOMKilled' });
    for (const id of ['codes', 'eats']) await remove(id);
  }, 120_000);

  it('are reported for a deleted sandbox until it is removed', async () => {
    const leave = new AbortController();
    const lines = await agent.events(leave.signal);
    await create('leaves', { command: sh('trap "exit 5" TERM; while :; do sleep 0.1; done') });
    await remove('leaves');
    leave.abort();
    const ended = lines.filter((line) => line.includes('"leaves"') && line.includes('"terminating"'));
    expect(ended.some((line) => line.includes('"exitCode":5'))).toBe(true);
  }, 60_000);
});
