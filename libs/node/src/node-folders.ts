import { join } from 'node:path';

/** Named network namespaces, where `ip netns` keeps them, on the node and in its Pods. */
export const NETWORK_NAMESPACES = '/run/netns';
/** Root of the cgroups. On v2 it is the hierarchy itself, on v1 the folder of the hierarchies. */
export const CGROUPS = '/sys/fs/cgroup';

/** Folders below the run folder, which all agents of a node share. */
export const runFolders = {
  /** one folder for each sandbox and each standby container, named after its id */
  sandboxes: (runDir: string): string => join(runDir, 'sandboxes'),
  /** one folder for each agent, named after its Pod's uid */
  fifos: (runDir: string): string => join(runDir, 'fifos'),
  /** one file for each installation with sandboxes on the node; with more than one, nothing is swept */
  owners: (runDir: string): string => join(runDir, 'installations'),
} as const;

/** The folder of a sandbox's own files. */
export function sandboxFolder(runDir: string, id: string): string {
  return join(runFolders.sandboxes(runDir), id);
}
