import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { KubernetesCluster } from '../support/kubernetes-cluster';

it('KubernetesCluster: starts a real control plane that serves the CRDs, and leaves nothing behind', async () => {
  const cluster = await KubernetesCluster.start();
  const folder = dirname(cluster.kubeconfig);
  try {
    expect(JSON.parse(await cluster.kubectl('version', '-o', 'json'))).toMatchObject({
      serverVersion: { major: '1', gitVersion: expect.stringMatching(/^v1\.\d+\.\d+$/) as string },
    });
    expect(await cluster.kubectl('get', 'sandboxes,sandboxpools', '-A')).toBe('');
  } finally {
    await cluster.end();
  }
  expect(existsSync(folder)).toBe(false);
  const mine = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
  expect(mine.filter((line) => line.includes(folder))).toEqual([]);
}, 180_000);
