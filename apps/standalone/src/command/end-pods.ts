import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@fsb/api/errors';
import { bridgeName, cgroupName, networkNamespacePrefix } from '@fsb/node/machine-names';
import { NETWORK_NAMESPACES } from '@fsb/node/node-folders';
import { files, type Layout } from '../layout';
import { runProgram } from '../machine';
import { cgroupHierarchies, removeCgroupTree } from '../node/pod-cgroup';
import { PodNetwork } from '../node/pod-network';
import { podRecord, podRecordFile } from '../node/pod-record';
import { endProcess } from '../process-identity';
import { readJson, readText, removeFile } from '../state-file';
import { readChoice } from '../supervisor/choice';
import { listJson } from '../supervisor/process-record';

const AGENT_MS = 27_000;
const ATTEMPTS = 20;
const RETRY_MS = 100;

/** Ends agents and removes their network namespaces. Their Pod objects stay, so that the next `up` runs them again. */
export async function endPods(layout: Layout, installation: string | undefined): Promise<string | undefined> {
  const records = listJson(files.pods(layout)).flatMap((path) => readJson(path, podRecord) ?? []);
  await Promise.all(records.map(async ({ process }) => process && endProcess(process, AGENT_MS)));
  if (installation === undefined) return undefined;
  const network = networkOf(layout, installation);
  for (const { networkNamespace, uid } of records) {
    await network.remove(networkNamespace, uid);
    removeFile(podRecordFile(files.pods(layout), uid));
  }
  const left = namespaces().filter((name) => name.startsWith(networkNamespacePrefix(installation)));
  for (const name of left) await runProgram('ip', 'netns', 'delete', name);
  return records.length === 0 ? undefined : `ended ${records.length}`;
}

export async function removeBridge(installation: string): Promise<string | undefined> {
  const bridge = bridgeName(installation);
  const links = await runProgram('ip', '-o', 'link', 'show', 'type', 'bridge');
  if (!links.includes(`: ${bridge}:`)) return undefined;
  await runProgram('ip', 'link', 'delete', bridge);
  return `removed ${bridge}`;
}

/** Removes the installation's cgroups, with retries: the kernel frees a cgroup a moment after its last process. */
export async function removeCgroups(installation: string): Promise<undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      removeCgroupTree(cgroupName(installation));
      return;
    } catch (error) {
      if (attempt === ATTEMPTS)
        throw new Error(`cgroup ${cgroupName(installation)}: ${messageOf(error)}`, { cause: error });
      killAllIn(cgroupName(installation));
      await sleep(RETRY_MS);
    }
  }
}

/** Kills what is left in a cgroup without containers: runtimes whose containerd was killed during a create. */
function killAllIn(cgroup: string): void {
  for (const { folder } of cgroupHierarchies(readFileSync('/proc/self/mounts', 'utf8'))) {
    const top = join(folder, cgroup);
    if (!existsSync(top)) continue;
    for (const entry of readdirSync(top, { recursive: true, encoding: 'utf8' })) {
      if (basename(entry) !== 'cgroup.procs') continue;
      const pids = (readText(join(top, entry)) ?? '').split('\n').map(Number);
      pids.filter((pid) => pid > 1).forEach(killIfThere);
    }
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // process.kill throws only errno errors
  }
}

function networkOf(layout: Layout, installation: string): PodNetwork {
  const options = { bridge: bridgeName(installation), subnet: readChoice(layout)?.subnet ?? '10.88.0.0/24' };
  return new PodNetwork({ ...options, dataDir: files.cni(layout), binDir: '/usr/lib/cni' });
}

function namespaces(): string[] {
  try {
    return readdirSync(NETWORK_NAMESPACES);
  } catch {
    return []; // the folder is made with the first namespace
  }
}
