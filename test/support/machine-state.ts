import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bridgeName, cgroupName, networkNamespacePrefix, SANDBOXES_CGROUP } from '@fsb/node/machine-names';
import { NETWORK_NAMESPACES } from '@fsb/node/node-folders';
import { files } from '../../apps/standalone/src/layout';
import { cgroupHierarchies } from '../../apps/standalone/src/node/pod-cgroup';
import { podRecord } from '../../apps/standalone/src/node/pod-record';
import { readJson } from '../../apps/standalone/src/state-file';
import { listJson } from '../../apps/standalone/src/supervisor/process-record';
import { type MachineStack } from './machine-stack';
import { shimsOf } from './shims';

/** The installation's traces on the machine outside API and containerd: files, namespaces, cgroups, processes. */
export interface MachineState {
  /** ids of sandboxes or standby containers */
  readonly logs: readonly string[];
  readonly folders: readonly string[];
  /** container ids */
  readonly cgroups: readonly string[];
  readonly snapshots: readonly string[];
  /** container ids on the command lines of containerd's shims */
  readonly shims: readonly string[];
  readonly leases: readonly string[];
  /** names, addresses and uids of agent Pods */
  readonly networkNamespaces: readonly string[];
  readonly addresses: readonly string[];
  readonly podUids: readonly string[];
}

/** Matches sandbox ids, and container ids of standby containers. */
const SANDBOX_ID = /^(?:warm-[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-\d+)?)$/;
const ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;

export async function readMachine(stack: MachineStack): Promise<MachineState> {
  const { layout, installation } = stack;
  const [snapshots, leases] = await Promise.all([stack.ctr('snapshots', 'ls'), stack.ctr('leases', 'ls', '-q')]);
  return {
    logs: unique(namesIn(layout.log).map((name) => name.replace(/\.log(\.\d+)?$/, ''))).filter(isId),
    folders: namesIn(join(layout.run, 'sandboxes')).filter(isId),
    cgroups: sandboxCgroups(installation),
    shims: shimsOf(files.containerdSocket(layout)).map(({ id }) => id),
    snapshots: snapshots.split('\n').flatMap((line) => /^(\S+)-snapshot\s/.exec(line)?.[1] ?? []),
    leases: leases.split('\n').filter((id) => id.startsWith('fsb-')),
    networkNamespaces: namesIn(NETWORK_NAMESPACES).filter((name) =>
      name.startsWith(networkNamespacePrefix(installation)),
    ),
    addresses: namesIn(join(files.cni(layout), bridgeName(installation))).filter((name) => ADDRESS.test(name)),
    podUids: listJson(files.pods(layout)).flatMap((path) => readJson(path, podRecord)?.uid ?? []),
  };
}

function isId(name: string): boolean {
  return SANDBOX_ID.test(name);
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

/** Container ids in `<installation>/<pod uid>/sandboxes/<container id>`, in any cgroup hierarchy. */
function sandboxCgroups(installation: string): string[] {
  const found = cgroupHierarchies(readFileSync('/proc/self/mounts', 'utf8')).flatMap(({ folder }) => {
    const top = join(folder, cgroupName(installation));
    return foldersIn(top).flatMap((pod) => foldersIn(join(top, pod, SANDBOXES_CGROUP)).filter(isId));
  });
  return unique(found);
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}
