import { eventually } from '../../../test/support/eventually';
import { idOf, JanitorScene } from './testing/janitor-scene';

describe('Janitor, with orphan containers and look-alikes', () => {
  let scene: JanitorScene;
  let agentUid: string;
  const leading = new AbortController();
  const own = (more: object = {}) => ({ agentName: 'agent', agentUid, ...more });

  beforeAll(async () => {
    scene = await JanitorScene.start();
    agentUid = await scene.pod('agent');
    await scene.launch();
  }, 120_000);

  afterAll(async () => {
    leading.abort();
    await scene.stop();
  }, 60_000);

  /** One scene for all, so that the look-alikes are kept while the orphans are removed. */
  it('removes every part of each kind of orphan, with a metric and an Event, and keeps each look-alike', async () => {
    const uid = await scene.sandbox('bound');
    const moved = await scene.sandbox('moved', { sandboxID: 'x', attempt: 2 });
    const taken = await scene.sandbox('taken', { sandboxID: 'another' });
    await scene.sandbox('pending');
    expect(taken).not.toBe('');
    const kept = {
      owned: await scene.container(idOf('owned'), own({ sandboxName: 'bound', claimUid: uid })),
      waiting: await scene.container(idOf('waiting'), own({ sandboxName: '', claimTime: '' })),
      pending: await scene.container(idOf('pending'), own({ sandboxName: 'pending' })),
      unled: await scene.container(idOf('unled'), own({ sandboxName: 'nobody' })),
      unledTaken: await scene.container(idOf('taken'), own({ sandboxName: 'taken' })),
      stranger: await scene.container(idOf('stranger'), { installation: 'another' }),
      unmanaged: await scene.container(idOf('unmanaged'), { managed: 'false' }),
      unlabelled: await scene.container(idOf('unlabelled'), { agentUid: '' }),
      young: await scene.container(idOf('young'), { claimTime: String(Date.now() + 3_600_000) }),
      next: await scene.container(`${moved}-3`, own({ sandboxName: 'moved', claimUid: moved })),
    };
    const orphans = {
      AgentPodGone: await scene.container(idOf('gone'), { sandboxName: 'a', claimUid: '1' }),
      SandboxNotFound: await scene.container(idOf('absent'), own({ sandboxName: 'b', claimUid: '2' })),
      ClaimUidDiffers: await scene.container(idOf('differs'), own({ sandboxName: 'bound', claimUid: '3' })),
      StaleAttempt: await scene.container(`${moved}-1`, own({ sandboxName: 'moved', claimUid: moved })),
    };
    for (const id of Object.values(orphans)) await scene.gone(id);
    for (const reason of Object.keys(orphans)) expect(await scene.removedOf('container', reason)).toBe(1);
    for (const [name, id] of [
      ['a', orphans.AgentPodGone],
      ['b', orphans.SandboxNotFound],
      ['bound', orphans.ClaimUidDiffers],
      ['moved', orphans.StaleAttempt],
    ] as const) {
      await eventually(async () => expect(await scene.eventsOf(name)).toEqual([expect.stringContaining(id)]), 15_000);
    }
    await scene.looks('bound', 6); // `owned` and ClaimUidDiffers both read it: at least three sweeps
    const whole = ['record', 'task', 'snapshot', 'log', 'rotated', 'folder'];
    for (const [name, id] of Object.entries(kept)) expect([name, await scene.leftOf(id)]).toEqual([name, whole]);
  }, 120_000);

  it('removes unbound orphans only after a sandbox-controller has led for the whole timeout', async () => {
    expect(await scene.has(idOf('unled'))).toBe(true);
    await scene.lead(leading.signal);
    await scene.gone(idOf('unled'));
    await scene.gone(idOf('taken'));
    expect(await scene.removedOf('container', 'SandboxNotFound')).toBe(2);
    expect(await scene.removedOf('container', 'NameTaken')).toBe(1);
    expect(await scene.has(idOf('pending'))).toBe(true);
  }, 60_000);

  it('removes the containers of an agent within seconds of its Pod, between two sweeps', async () => {
    await scene.kill();
    await scene.launch({ 'scan-interval': '10m' });
    const uid = await scene.pod('leaving');
    const id = await scene.container(idOf('left'), { agentName: 'leaving', agentUid: uid, sandboxName: 'left' });
    const sandbox = await scene.sandbox('left');
    await scene.runtime.setLabels(id, { 'fast-sandbox.io/claim-uid': sandbox });
    await eventually(() => scene.proxy.asked.some((line) => line.includes('watch=true')));
    const before = performance.now();
    await scene.removePod('leaving');
    await eventually(async () => expect(await scene.has(id)).toBe(false), 20_000);
    expect(performance.now() - before).toBeLessThan(5_000); // one second on an idle machine
    await scene.gone(id);
  }, 60_000);
});
