import { type VirtualLink } from './ip-command';
import { type NodeOrphan } from './node-orphan';

interface PodPath {
  readonly path: string;
  readonly uid: string;
}

/** What exists on the machine for Pods of this installation; most names carry the installation's id. */
export interface MachineWorld {
  /** uids of the node's Pods */
  readonly pods: ReadonlySet<string>;
  /** names of those Pods' network namespaces */
  readonly podNamespaces: ReadonlySet<string>;
  /** existing network namespaces of this installation */
  readonly namespaces: readonly string[];
  readonly cgroups: readonly PodPath[];
  readonly addresses: readonly PodPath[];
  /** empty, as `fifoStocks`, when the run folder is shared with another installation: their names tell no owner */
  readonly podLogs: readonly (PodPath & { readonly mtimeMs: number })[];
  /** folders of FIFOs that agents made ahead */
  readonly fifoStocks: readonly (PodPath & { readonly mtimeMs: number })[];
  /** veth interfaces on this installation's bridge */
  readonly links: readonly VirtualLink[];
}

const NO_POD = 'its Pod is gone';

/** Lists the orphans among the machine's resources of Pods. Pure: the table of cases is its specification. */
export function machineOrphans(world: MachineWorld): NodeOrphan[] {
  const isGone = ({ uid }: PodPath): boolean => uid !== '' && !world.pods.has(uid);
  const reason = 'AgentPodGone';
  return [
    ...world.namespaces
      .filter((name) => !world.podNamespaces.has(name))
      .map((name) => ({ kind: 'network-namespace', name, reason, why: NO_POD }) as const),
    ...world.cgroups.filter(isGone).map(({ path }) => ({ kind: 'cgroup', name: path, reason, why: NO_POD }) as const),
    ...world.addresses
      .filter(isGone)
      .map(({ path }) => ({ kind: 'address', name: path, reason, why: NO_POD }) as const),
    ...world.podLogs
      .filter(isGone)
      .map(({ path, mtimeMs }) => ({ kind: 'pod-log', name: path, reason, why: NO_POD, sinceMs: mtimeMs }) as const),
    ...world.fifoStocks
      .filter(isGone)
      .map(({ path, mtimeMs }) => ({ kind: 'fifo-stock', name: path, reason, why: NO_POD, sinceMs: mtimeMs }) as const),
    ...world.links
      .filter(({ peerIsNamed }) => !peerIsNamed)
      .map(
        ({ name }) =>
          ({ kind: 'link', name, reason: 'NoNetworkNamespace', why: 'its peer is in no named namespace' }) as const,
      ),
  ];
}
