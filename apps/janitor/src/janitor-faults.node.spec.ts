import { execFileSync } from 'node:child_process';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { eventually } from '../../../test/support/eventually';
import { idOf, JanitorScene } from './testing/janitor-scene';
import { type Fault } from './testing/fault-proxy';

describe('Janitor, under faults', () => {
  let scene: JanitorScene;
  let agentUid: string;
  const own = (more: object = {}) => ({ agentName: 'agent', agentUid, claimUid: '1', ...more });

  beforeAll(async () => {
    scene = await JanitorScene.start();
    agentUid = await scene.pod('agent');
  }, 120_000);

  afterEach(async () => {
    scene.proxy.fault = () => 'none';
    await scene.kill('SIGKILL');
  });

  afterAll(() => scene.stop(), 60_000);

  it('keeps a container without evidence: 500, 403, 404 of no object, 429, no answer, another cluster', async () => {
    const faults: Record<string, Fault> = { broken: 500, forbidden: 403, elsewhere: 404, silent: 'hang', busy: 429 };
    scene.proxy.fault = (request) => {
      const name = /\/(?:sandboxes|pods)\/([a-z]+)$/.exec(request)?.[1] ?? '';
      return faults[name] ?? 'none';
    };
    const ids = await Promise.all(
      Object.keys(faults).map((name) => scene.container(idOf(name), own({ sandboxName: name }))),
    );
    for (const name of ['broken', 'silent']) {
      ids.push(await scene.container(idOf(`agent-${name}`), { agentName: name, agentUid: 'gone' }));
    }
    await scene.launch();
    for (const name of Object.keys(faults)) await scene.looks(name, 2);
    for (const id of ids) expect(await scene.leftOf(id)).toContain('task');
    // definite answers now, but the cluster cannot be verified
    scene.proxy.fault = (request) => (request.endsWith('/namespaces/kube-system') ? 500 : 'none');
    await scene.looks('broken', 4);
    for (const id of ids) expect(await scene.leftOf(id)).toContain('task');
    scene.proxy.fault = () => 'none';
    for (const id of ids) await scene.gone(id, 40_000);
  }, 150_000);

  it('logs in a dry run what it would remove, and removes nothing', async () => {
    const id = await scene.container(idOf('dry'), { sandboxName: 'dry' });
    const log = scene.path('logs', `${idOf('dry-log')}.log`);
    writeFileSync(log, '');
    utimesSync(log, 1, 1);
    await scene.launch({ 'dry-run': 'true' });
    const said = (): string[] => scene.log.split('\n').filter((line) => line.includes('"would remove"'));
    await eventually(() => said().some((line) => line.includes(id) && line.includes('AgentPodGone')), 30_000);
    await eventually(() => said().some((line) => line.includes(log) && line.includes('NoContainer')), 30_000);
    expect(await scene.leftOf(id)).toHaveLength(6);
    expect(existsSync(log)).toBe(true);
    expect(await scene.removedOf('container', 'AgentPodGone')).toBe(0);
    expect(await scene.eventsOf('dry')).toEqual([]);
    await scene.kill();
    await scene.launch();
    await scene.gone(id);
  }, 120_000);

  it('retries a failed removal 5 times, and finishes it after a kill -9 midway', async () => {
    const id = await scene.container(idOf('stuck'));
    const folder = scene.path('run/sandboxes', id);
    const failures = (): Promise<number> => scene.metric('janitor_failures_total{kind="container"}');
    execFileSync('mount', ['-t', 'tmpfs', 'none', folder]);
    try {
      await scene.launch({ 'scan-interval': '10m' });
      await eventually(async () => expect(await failures()).toBe(5), 40_000, 100);
      await eventually(() => scene.log.includes('tried 5 times'), 10_000);
      expect(await scene.leftOf(id)).toEqual(['record', 'folder']);
      await scene.kill('SIGKILL');
    } finally {
      execFileSync('umount', [folder]);
    }
    await scene.launch({ 'scan-interval': '10m' });
    await scene.gone(id);
  }, 120_000);

  it('leaves no orphan when it is killed with -9 during many removals and restarted', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) ids.push(await scene.container(idOf(`many-${i}`)));
    const left = async (): Promise<number> => (await Promise.all(ids.map((id) => scene.leftOf(id)))).flat().length;
    const launched = scene.launch();
    await eventually(async () => (await left()) < 6 * 6, 40_000, 5);
    await launched.catch(() => undefined);
    await scene.kill('SIGKILL');
    await scene.launch();
    for (const id of ids) await scene.gone(id, 30_000);
  }, 120_000);

  it('is not ready while containerd is down, and sweeps when it is back', async () => {
    await scene.launch({ 'scan-interval': '10m' });
    const id = await scene.container(idOf('behind'));
    await scene.containerd.kill();
    await eventually(async () => expect(await scene.isReady()).toBe(false), 20_000);
    await scene.containerd.restart();
    await eventually(async () => expect(await scene.isReady()).toBe(true), 20_000);
    await scene.gone(id);
  }, 120_000);
});
