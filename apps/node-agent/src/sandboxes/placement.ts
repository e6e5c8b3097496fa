import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where `ip netns` and the node's Pod runner keep network namespaces, under the same path on the host. */
const NAMESPACES = '/run/netns';

/**
 * The host path of this process's own network namespace.
 * @throws Error where none of /run/netns is it
 */
export function ownNetworkNamespace(): string {
  const own = statSync('/proc/self/ns/net').ino;
  const name = readdirSync(NAMESPACES).find((entry) => statSync(join(NAMESPACES, entry)).ino === own);
  if (name === undefined)
    throw new Error(`the agent's network namespace is not in ${NAMESPACES}; set --network-namespace`);
  return join(NAMESPACES, name);
}

/** The folder of this process's cgroup's parent, as an OCI cgroupsPath: sandboxes are the agent's siblings. */
export function siblingCgroup(text = readFileSync('/proc/self/cgroup', 'utf8')): string {
  const lines = text.split('\n').map((line) => line.split(':'));
  const line =
    lines.find(([, controllers]) => controllers?.split(',').includes('memory')) ?? lines.find(([id]) => id === '0');
  return dirname(line?.[2] ?? '/');
}
