import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bridgeName, cgroupName, networkNamespaceName } from '@fsb/node/machine-names';
import { runFolders } from '@fsb/node/node-folders';
import { ImageStore } from '@fsb/containerd/image-store';
import { eventually } from '../../../test/support/eventually';
import { idOf, runIp, JanitorScene } from './testing/janitor-scene';

const GONE = '00000000-dead-4000-8000-000000000000';
/** id of a standby container */
const WAITED = 'warm-0123456789abcdef';
const STRANGER = '99999999-0000-4000-8000-000000000000';

describe('Janitor, with orphans other than containers', () => {
  let scene: JanitorScene;
  let podUid: string;

  beforeAll(async () => {
    scene = await JanitorScene.start();
    podUid = await scene.pod('agent');
    await scene.sandbox('looked-at');
    const owner = { agentName: 'agent', agentUid: podUid, sandboxName: 'looked-at' };
    await scene.container(idOf('looked-at'), owner);
    await scene.launch();
  }, 120_000);

  afterAll(() => scene.stop(), 60_000);

  const countOf = (kind: string, reason = 'NoContainer') => scene.removedOf(kind, reason);
  const old = (path: string, content = ''): string => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    utimesSync(path, 1, 1);
    return path;
  };
  const goesOf = async (paths: string[]): Promise<void> => {
    await eventually(() => expect(paths.filter((path) => existsSync(path))).toEqual([]), 30_000, 100);
  };

  it('removes snapshots without a container', async () => {
    const image = await new ImageStore(scene.client).resolve('busybox');
    const snapshot = (id: string, labels: Record<string, string>) => {
      const all = { ...labels, 'containerd.io/gc.root': '1' }; // kept from containerd's own garbage collection
      const request = { snapshotter: 'overlayfs', key: `${id}-snapshot`, parent: image?.chainId ?? '', labels: all };
      return scene.client.snapshots.prepare(request);
    };
    await snapshot(idOf('alone'), scene.labels(idOf('alone')));
    await snapshot(idOf('young'), scene.labels(idOf('young'), { claimTime: String(Date.now() + 3_600_000) }));
    await snapshot(idOf('stranger'), scene.labels(idOf('stranger'), { installation: STRANGER }));
    await snapshot(idOf('unlabelled'), {});
    await eventually(async () => expect(await countOf('snapshot')).toBe(1), 30_000, 100);
    expect(await scene.leftOf(idOf('alone'))).toEqual([]);
    await scene.looks('looked-at', 3);
    for (const name of ['young', 'stranger', 'unlabelled']) {
      expect([name, await scene.leftOf(idOf(name))]).toEqual([name, ['snapshot']]);
    }
    expect(await scene.eventsOf('node-1')).toEqual(expect.arrayContaining([expect.stringContaining(idOf('alone'))]));
  }, 90_000);

  it('ends a task without a container record if its sandbox folder is ours', async () => {
    const ours = await scene.container(idOf('task'), { installation: STRANGER });
    const other = await scene.container(idOf('other-task'), { installation: STRANGER });
    rmSync(scene.path('run/sandboxes', other), { recursive: true });
    for (const id of [ours, other]) await scene.client.containers.delete({ id });
    try {
      await scene.gone(ours, 30_000);
      expect(await countOf('task')).toBe(1);
      expect(await scene.leftOf(other)).toContain('task');
    } finally {
      // the janitor may have written the record
      for (const id of [ours, other]) await scene.runtime.recreateRecord(id, {}).catch(() => undefined);
      for (const id of [ours, other]) await scene.runtime.remove(id);
    }
  }, 90_000);

  it('removes logs, rotated logs, folders and FIFOs of sandboxes that are gone, and no others', async () => {
    const stranger = await scene.container(idOf('here'), { installation: STRANGER });
    const young = scene.path('logs', `${idOf('now')}.log`);
    const orphans = [
      ...['.log', '.log.1', '.log.3'].map((end) => old(scene.path('logs', `${idOf('old')}${end}`))),
      old(scene.path('logs', `${GONE}-4.log`)),
      dirname(old(scene.path('run/sandboxes', GONE, 'hosts'))),
      dirname(old(scene.path('run/sandboxes', WAITED, 'hosts'))),
      scene.path('run/fifo', `${idOf('old')}-stdin`),
    ];
    mkdirSync(scene.path('run/fifo'));
    execFileSync('mkfifo', [scene.path('run/fifo', `${idOf('old')}-stdin`)]);
    const fifoOfStranger = scene.path('run/fifo', `${stranger}-stdin`);
    execFileSync('mkfifo', [fifoOfStranger]);
    const kept = [young, old(scene.path('logs/apiserver.log')), fifoOfStranger, scene.path('logs', `${stranger}.log`)];
    writeFileSync(young, '');
    utimesSync(young, Date.now(), Date.now() / 1000 + 3_600);
    for (const id of [GONE, WAITED]) utimesSync(scene.path('run/sandboxes', id), 1, 1);
    await goesOf(orphans);
    await scene.looks('looked-at', 3);
    expect(kept.filter((path) => !existsSync(path))).toEqual([]);
    expect(await countOf('fifo')).toBe(1);
    expect(await countOf('log')).toBeGreaterThanOrEqual(4);
  }, 90_000);

  it('keeps the log of a removed sandbox while its object exists', async () => {
    const uid = await scene.sandbox('keeps', { phase: 'Expired' });
    const kept = ['.log', '.log.start', '.log.kept'].map((end) => old(scene.path('logs', `${uid}${end}`)));
    const gone = ['.log', '.log.kept'].map((end) => old(scene.path('logs', `${idOf('ended')}${end}`)));
    writeFileSync(kept[2]!, JSON.stringify({ namespace: 'default', name: 'keeps', uid }));
    writeFileSync(gone[1]!, JSON.stringify({ namespace: 'default', name: 'keeps', uid: 'another' }));
    for (const path of [kept[2]!, gone[1]!]) utimesSync(path, 1, 1);
    await goesOf(gone);
    await scene.looks('keeps', 3);
    expect(kept.filter((path) => !existsSync(path))).toEqual([]);
    await scene.api.ask('DELETE', '/apis/sandbox.fast.io/v1alpha1/namespaces/default/sandboxes/keeps');
    await goesOf(kept);
  }, 90_000);

  it('removes no file while another installation uses the run folder too', async () => {
    const signature = old(scene.path(runFolders.owners('run'), STRANGER));
    const log = old(scene.path('logs', `${idOf('shared')}.log`));
    const foldersOfPod = [old(scene.path('logs/pods', GONE, 'agent.log')), old(scene.path('run/fifos', GONE, '1-1-0'))];
    for (const path of foldersOfPod) utimesSync(dirname(path), 1, 1);
    await scene.looks('looked-at', 3);
    expect([log, ...foldersOfPod].filter((path) => !existsSync(path))).toEqual([]);
    for (const path of foldersOfPod) rmSync(dirname(path), { recursive: true });
    rmSync(signature);
    await goesOf([log]);
  }, 90_000);

  describe('with orphans of Pods', () => {
    const made: string[][] = [];
    const held: ChildProcess[] = [];
    const namespace = (name: string): string => {
      runIp('netns', 'add', name);
      made.push([`/run/netns/${name}`, 'netns', 'delete', name]);
      return `/run/netns/${name}`;
    };
    const link = (name: string, into: string): string => {
      const bridge = bridgeName(scene.installation);
      runIp('link', 'add', name, 'master', bridge, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', into);
      return `/sys/class/net/${name}`;
    };

    afterAll(() => {
      for (const child of held) child.kill('SIGKILL');
      for (const [path, ...command] of made.reverse()) if (existsSync(path ?? '')) runIp(...command);
    });

    it('removes network namespaces, addresses, links, cgroups, logs and FIFOs of Pods that are gone', async () => {
      const { installation } = scene;
      runIp('link', 'add', bridgeName(installation), 'type', 'bridge');
      made.push([`/sys/class/net/${bridgeName(installation)}`, 'link', 'delete', bridgeName(installation)]);
      const ours = networkNamespaceName(installation, podUid);
      const keptNamespaces = [namespace(ours), namespace(networkNamespaceName(STRANGER, GONE))];
      const orphanNamespace = namespace(networkNamespaceName(installation, GONE));
      const nameless = `fsb-nameless-${process.pid}`;
      namespace(nameless);
      const keptLink = link('fsbk0', ours);
      const orphanLink = link('fsbo0', nameless);
      held.push(spawn('ip', ['netns', 'exec', nameless, 'sleep', '300'], { stdio: 'ignore' }));
      await eventually(() => expect(runIp('netns', 'pids', nameless).trim()).not.toBe(''), 10_000);
      runIp('netns', 'delete', nameless);
      const address = (name: string, uid: string) =>
        old(scene.path('cni', bridgeName(installation), name), `${uid}\r\neth0`);
      const cgroup = (owner: string, uid: string): string => {
        const path = join('/sys/fs/cgroup/memory', cgroupName(owner), uid);
        mkdirSync(join(path, 'agent'), { recursive: true });
        return path;
      };
      const podLog = (uid: string): string => {
        const folder = dirname(old(scene.path('logs/pods', uid, 'agent.log')));
        utimesSync(folder, 1, 1);
        return folder;
      };
      const fifos = (uid: string): string => {
        const folder = dirname(old(scene.path('run/fifos', uid, '1-1-0')));
        utimesSync(folder, 1, 1);
        return folder;
      };
      const orphans = [
        fifos(GONE),
        address('10.88.0.9', GONE),
        cgroup(installation, GONE),
        podLog(GONE),
        orphanNamespace,
        orphanLink,
      ];
      const cgroups = [cgroup(installation, podUid), cgroup(STRANGER, GONE)];
      const kept = [
        ...keptNamespaces,
        keptLink,
        address('10.88.0.8', podUid),
        podLog(podUid),
        fifos(podUid),
        ...cgroups,
      ];
      await goesOf(orphans);
      await scene.looks('looked-at', 3);
      expect(kept.filter((path) => !existsSync(path))).toEqual([]);
      for (const kind of ['network-namespace', 'address', 'cgroup', 'pod-log', 'fifo-stock']) {
        expect([kind, await countOf(kind, 'AgentPodGone')]).toEqual([kind, 1]);
      }
      expect(await countOf('link', 'NoNetworkNamespace')).toBe(1);
      for (const path of cgroups) for (const folder of [join(path, 'agent'), path, dirname(path)]) rmdirSync(folder);
    }, 90_000);
  });
});
