import { join } from 'node:path';
import { eventually } from '../../support/eventually';
import { pool } from '../pool';
import { type Product } from '../product';

const LONG_MS = 60_000;
const MEMORY_CGROUPS = '/sys/fs/cgroup/memory';
const MEMORY = 256 * 1024 * 1024;

/** An agent Pod under a real kubelet: its sandboxes share its network namespace and are below its cgroup. */
export function placement(product: () => Product): void {
  let pod: { readonly name: string; readonly uid: string; readonly ip: string };

  beforeAll(async () => {
    const resources = { requests: { cpu: '50m', memory: '128Mi' }, limits: { cpu: '1', memory: String(MEMORY) } };
    await product().apply(pool('limited', { slots: 1, resources, most: 1 }));
    await product().whenReady('limited', 1);
    const path = '{.items[0].metadata.name} {.items[0].metadata.uid} {.items[0].status.podIP}';
    const found = await product().kubectl(
      'get',
      'pods',
      '-l',
      'fast-sandbox.io/pool=limited',
      '-o',
      `jsonpath=${path}`,
    );
    const [name = '', uid = '', ip = ''] = found.split(' ');
    pod = { name, uid, ip };
  }, 120_000);

  afterAll(async () => {
    await product().kubectl('delete', 'sandboxes', '--all', '--timeout=60s'); // those of a case that failed
    await product().kubectl('delete', 'sandboxpool', 'limited', '--timeout=60s');
  }, 120_000);

  const run = (name: string, command: string): Promise<string> =>
    eventually(
      () =>
        product().caller.run('run', name, '--image', 'busybox', '--pool', 'limited', '--', '/bin/sh', '-c', command),
      LONG_MS,
      500,
    );
  const status = (name: string, path: string): Promise<string> => product().field('sandbox', name, `.status.${path}`);
  const podCgroup = (): string => `/kubepods/burstable/pod${pod.uid}`;

  it('runs on the node, and owns its certificate Secret', async () => {
    expect(await product().field('pod', pod.name, '.spec.nodeName')).toBe('node-1');
    expect(await product().field('secret', `${pod.name}-tls`, '.metadata.ownerReferences[0].uid')).toBe(pod.uid);
    expect(await product().kubectl('logs', pod.name)).toMatch(/"service":"node-agent"/);
  });

  it('shares its address and cgroup with its sandboxes', async () => {
    const answer = await run(
      'inside',
      'ip -4 -o addr show; ip route; echo "adj $(cat /proc/self/oom_score_adj)"; exec sleep 1000',
    );
    const logs = (): Promise<string> => product().caller.run('logs', 'inside');
    await eventually(async () => expect(await logs()).toMatch(/adj/), LONG_MS, 200);
    expect(await logs()).toContain(` ${pod.ip}/`);
    expect(await logs()).toMatch(/^unreachable 169\.254\.169\.254\b/m); // a route that the agent adds
    expect(await logs()).toContain('adj 1000\n'); // under memory pressure the kernel kills it first
    const id = /ID:\s+([0-9a-f]{32})/.exec(answer)?.[1] ?? '';
    const found = await product().node.machine.run('find', MEMORY_CGROUPS, '-name', id);
    expect(found).toBe(`${join(MEMORY_CGROUPS, podCgroup(), 'sandboxes', id)}\n`);
    await product().caller.run('delete', 'inside');
  }, 120_000);

  it('keeps its limits: a sandbox beyond the memory limit dies, the agent does not', async () => {
    const ofPod = (controller: string, file: string): Promise<string> =>
      product().node.machine.run('cat', join('/sys/fs/cgroup', controller, podCgroup(), file));
    expect(await ofPod('memory', 'memory.limit_in_bytes')).toBe(`${MEMORY}\n`);
    expect(await ofPod('cpu', 'cpu.cfs_quota_us')).toBe('100000\n');
    const more = ['--memory', '1Gi', '--wait', '0', '--pool', 'limited', '--', '/bin/true'];
    expect((await product().caller.attempt('run', 'wants', '--image', 'busybox', ...more)).stderr).toMatch(/no room/);
    // the shim subscribes to OOM notifications just after the start
    await run('grows', 'sleep 1; exec tail /dev/zero');
    await eventually(async () => expect(await status('grows', 'reason')).toBe('OOMKilled'), LONG_MS, 200);
    expect(await product().field('pod', pod.name, '.status.containerStatuses[0].restartCount')).toBe('0');
    await product().caller.run('delete', 'grows');
  }, 120_000);
}
