import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { checked } from '../../support/command';
import { SYSTEM } from '../gateway';
import { type Product } from '../product';

const UNDEPLOY_MS = 240_000;
const LONG_MS = 60_000;

export function ends(product: () => Product): void {
  it(
    'make undeploy: removes sandboxes and pools, then services, then CRDs; nothing hangs in Terminating',
    async () => {
      expect(await product().sandboxes()).not.toEqual([]); // else this proves nothing
      await product().undeploy();
      expect(await product().kubectl('get', 'namespace', SYSTEM, '--ignore-not-found')).toBe('');
      expect(await product().kubectl('get', 'crds', '-o', 'name')).toBe('');
      expect(await product().kubectl('get', 'pods', '-A', '-o', 'name')).toBe('');
      expect(await product().kubectl('get', 'secrets', '-o', 'name')).not.toMatch(/agent/);
      const cluster = await product().kubectl('get', 'clusterroles,clusterrolebindings,priorityclasses', '-o', 'name');
      expect(cluster).not.toMatch(/fast-sandbox/);
      expect([...(await product().sandboxes()), ...(await product().waiting())]).toEqual([]);
    },
    UNDEPLOY_MS,
  );

  it(
    'node: leaves nothing on the machine',
    async () => {
      const { folder, link } = product().node.machine;
      await product().node.end();
      const cgroups = readdirSync('/sys/fs/cgroup').map((hierarchy) =>
        join('/sys/fs/cgroup', hierarchy, basename(folder)),
      );
      expect([folder, `/sys/class/net/${link}`, ...cgroups].filter((path) => existsSync(path))).toEqual([]);
      expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder);
      expect(await checked('ps', ['-eo', 'args'])).not.toContain(folder);
    },
    LONG_MS,
  );
}
