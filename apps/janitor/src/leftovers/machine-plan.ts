import { type VirtualLink } from './ip-command';
import { type Leftover } from './leftover';

interface OfPod {
  readonly path: string;
  readonly uid: string;
}

/** What there is on the machine of Pods, by names that carry this installation's id. */
export interface MachineWorld {
  /** the uids of the node's Pods */
  readonly pods: ReadonlySet<string>;
  /** the names that their network namespaces have */
  readonly podNamespaces: ReadonlySet<string>;
  /** this installation's alone */
  readonly namespaces: readonly string[];
  readonly cgroups: readonly OfPod[];
  readonly addresses: readonly OfPod[];
  readonly podLogs: readonly (OfPod & { readonly mtimeMs: number })[];
  /** folders of FIFOs that agents have made ahead; empty where the run folder is shared with another installation */
  readonly fifoStocks: readonly (OfPod & { readonly mtimeMs: number })[];
  /** on this installation's bridge */
  readonly links: readonly VirtualLink[];
}

const NO_POD = 'its Pod is gone';

/** Pure: the table of cases is its specification. */
export function machineLeftovers(world: MachineWorld): Leftover[] {
  const isGone = ({ uid }: OfPod): boolean => uid !== '' && !world.pods.has(uid);
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
      .map(({ name }) => ({ kind: 'link', name, reason: 'NoNetworkNamespace', why: 'it leads nowhere' }) as const),
  ];
}
