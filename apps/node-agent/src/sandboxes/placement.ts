import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NETWORK_NAMESPACES } from '@fsb/node/node-folders';

/**
 * The host path of this process's own network namespace.
 * @throws Error where the namespace has no entry in /run/netns
 */
export function ownNetworkNamespace(): string {
  const own = statSync('/proc/self/ns/net').ino;
  const name = readdirSync(NETWORK_NAMESPACES).find((entry) => statSync(join(NETWORK_NAMESPACES, entry)).ino === own);
  if (name === undefined)
    throw new Error(`the agent's network namespace is not in ${NETWORK_NAMESPACES}; set --network-namespace`);
  return join(NETWORK_NAMESPACES, name);
}

/** The parent of this process's cgroup, as an OCI cgroupsPath: the Pod's, where the agent runs in a container. */
export function parentCgroup(text = readFileSync('/proc/self/cgroup', 'utf8')): string {
  const lines = text.split('\n').map((line) => line.split(':'));
  const line =
    lines.find(([, controllers]) => controllers?.split(',').includes('memory')) ?? lines.find(([id]) => id === '0');
  return dirname(line?.[2] ?? '/');
}

/** capabilities(7): the bit of CAP_SYS_RESOURCE, with which a runtime may raise hard limits and pin an oom_score_adj */
const SYS_RESOURCE = 24n;

/** @param proc the folder of /proc, for tests */
export function hasSysResource(proc = '/proc'): boolean {
  const status = readFileSync(join(proc, 'self/status'), 'utf8');
  const capabilities = BigInt(`0x${/^CapEff:\s*([\da-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return ((capabilities >> SYS_RESOURCE) & 1n) === 1n;
}

/**
 * The hard limit of open files that the node allows. containerd's processes have the agent's rights, or more.
 * @param wanted the configured limit
 * @param proc the folder of /proc, for tests
 */
export function allowedOpenFiles(wanted: number, proc = '/proc'): number {
  const limits = readFileSync(join(proc, 'self/limits'), 'utf8');
  const [, hard = ''] = /^Max open files\s+\S+\s+(\S+)/m.exec(limits) ?? [];
  const most = Number(hasSysResource(proc) ? readFileSync(join(proc, 'sys/fs/nr_open'), 'utf8') : hard);
  return Number.isNaN(most) ? wanted : Math.min(wanted, most); // "unlimited" is no number
}
