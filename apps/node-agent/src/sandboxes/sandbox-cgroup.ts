import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/**
 * Removes the cgroup of a container that is gone, in each hierarchy. The runtime does so itself, unless it was killed in
 * the middle: then an empty cgroup stays for as long as the Pod. One that is not empty is nobody's to remove here.
 * @param path as in an OCI cgroupsPath
 */
export async function removeCgroup(path: string): Promise<void> {
  const hierarchies = await readdir(ROOT).catch(() => []); // not mounted: there is none
  const folders = [join(ROOT, path), ...hierarchies.map((hierarchy) => join(ROOT, hierarchy, path))];
  await Promise.all(folders.map((folder) => rmdir(folder).catch(() => undefined))); // mostly gone already
}
