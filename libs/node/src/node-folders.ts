import { join } from 'node:path';

/** Network namespaces with a name: `ip netns` keeps them here, on the node and in its Pods. */
export const NETWORK_NAMESPACES = '/run/netns';
/** Root of the cgroups: of the hierarchy on v2, of the folders of the hierarchies on v1. */
export const CGROUPS = '/sys/fs/cgroup';

/** The folders below an agent's run folder. Several agents of a node share it. */
export const runFolders = {
  /** one folder for each sandbox, and for each standby container, by its id */
  sandboxes: (runDir: string): string => join(runDir, 'sandboxes'),
  /** one folder for each agent, by its Pod's uid */
  fifos: (runDir: string): string => join(runDir, 'fifos'),
  /** one file for each installation whose sandboxes are here. More than one: nothing is swept. */
  owners: (runDir: string): string => join(runDir, 'installations'),
} as const;

/** The folder of a sandbox's own files. */
export function sandboxFolder(runDir: string, id: string): string {
  return join(runFolders.sandboxes(runDir), id);
}
