import { readFile, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { bridgeName, cgroupName, networkNamespaceName, networkNamespacePrefix } from '@fsb/node/machine-names';
import { CGROUPS, NETWORK_NAMESPACES, runFolders } from '@fsb/node/node-folders';
import { type JanitorConfig } from '../janitor.config';
import { type ClusterEvidence } from '../sweep/cluster-evidence';
import { ip, linksOf, type VirtualLink } from './ip-command';
import { type NodeOrphan, type OrphanSource } from './node-orphan';
import { machineOrphans } from './machine-plan';
import { filesIn, idIn, isSoleInstallation, namesIn, removePath } from './sandbox-files';

/** Orphans of Pods: a one-machine node's network namespaces, addresses, links, cgroups, log folders; agents' FIFOs. */
export class MachineSource implements OrphanSource {
  constructor(
    private readonly config: JanitorConfig,
    private readonly evidence: ClusterEvidence,
  ) {}

  async find(installation: string): Promise<NodeOrphan[]> {
    const prefix = networkNamespacePrefix(installation);
    const namespaces = (await namesIn(NETWORK_NAMESPACES)).filter((name) => name.startsWith(prefix));
    const cgroups = await this.cgroups(cgroupName(installation));
    const addresses = await this.addresses(bridgeName(installation));
    const links = await this.links(bridgeName(installation));
    const isOurs = await isSoleInstallation(this.config.runDir, installation);
    const podLogs = isOurs ? await podFolders(join(this.config.logDir, 'pods')) : [];
    const fifoStocks = isOurs ? await podFolders(runFolders.fifos(this.config.runDir)) : [];
    if ([namespaces, cgroups, addresses, links, podLogs, fifoStocks].every(({ length }) => length === 0)) return [];
    const pods = await this.evidence.podsOfNode();
    return machineOrphans({
      ...{ namespaces, cgroups, addresses, links, podLogs, fifoStocks },
      pods: new Set(pods),
      podNamespaces: new Set(pods.map((uid) => networkNamespaceName(installation, uid))),
    });
  }

  async remove({ kind, name }: NodeOrphan): Promise<void> {
    if (kind === 'network-namespace') await ip('netns', 'delete', name);
    else if (kind === 'link') await ip('link', 'delete', name);
    else if (kind === 'cgroup') await removeCgroup(name);
    else if (kind === 'address') await rm(name, { force: true });
    else await removePath(name);
  }

  private async cgroups(name: string): Promise<{ path: string; uid: string }[]> {
    const hierarchies = await namesIn(CGROUPS);
    const folders = [join(CGROUPS, name), ...hierarchies.map((hierarchy) => join(CGROUPS, hierarchy, name))];
    const found = await Promise.all(folders.map((folder) => childFolders(folder)));
    return found.flat();
  }

  /** Records of the CNI plugin host-local: one file for each address; its first line is the Pod's uid. */
  private async addresses(bridge: string): Promise<{ path: string; uid: string }[]> {
    if (this.config.cniDir === undefined) return [];
    const folder = join(this.config.cniDir, bridge);
    const names = (await namesIn(folder)).filter((name) => /^[\da-f.:]+$/.test(name));
    const owners = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8').catch(() => '')));
    return names.map((name, i) => ({ path: join(folder, name), uid: owners[i]?.split(/\r?\n/)[0] ?? '' }));
  }

  private async links(bridge: string): Promise<VirtualLink[]> {
    const exists = await stat(`/sys/class/net/${bridge}`).catch(() => undefined);
    return exists ? linksOf(bridge) : [];
  }
}

/** Lists the child folders that are named by a Pod's uid, with their times. */
async function podFolders(folder: string): Promise<{ path: string; uid: string; mtimeMs: number }[]> {
  const found = await filesIn(folder, idIn.pod);
  return found.map(({ path, id, mtimeMs }) => ({ path, uid: id, mtimeMs }));
}

async function childFolders(folder: string): Promise<{ path: string; uid: string }[]> {
  const names = await namesIn(folder).catch(() => []); // ENOTDIR: on cgroup v2 `hierarchies` also names files
  return names.filter((name) => idIn.pod(name) !== undefined).map((name) => ({ path: join(folder, name), uid: name }));
}

/** Removes a cgroup and its children, leaves first. @throws Error EBUSY while one of them holds a process */
async function removeCgroup(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    const child = join(folder, name);
    if ((await stat(child).catch(() => undefined))?.isDirectory()) await removeCgroup(child);
  }
  await rmdir(folder);
}
