import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SANDBOXES_CGROUP } from '@fsb/node/machine-names';
import { CGROUPS } from '@fsb/node/node-folders';

/** The weight's file and its hierarchy, on cgroup v1 and on v2. */
const WEIGHTS = [
  { controller: 'cpu', file: 'cpu.shares' },
  { controller: '', file: 'cpu.weight' },
] as const;

/**
 * Makes the cgroup of all sandboxes of an agent, a sibling of the agent's own, with the agent's CPU weight (its Pod's
 * CPU request). Under CPU contention the agent gets half of what both have, however many sandboxes are busy, and one
 * busy sandbox the other half. With a weight for each sandbox instead, a container of a pool of 200 slots starts with a
 * two-hundredth of its agent's.
 * @param parent as an OCI cgroupsPath
 * @param own text of /proc/self/cgroup, for tests
 * @param root where hierarchies are mounted, for tests
 * @returns the path, as an OCI cgroupsPath; in hierarchies without a weight the OCI runtime makes it
 * @throws Error where cgroups cannot be written
 */
export function makeSandboxesGroup(
  parent: string,
  own = readFileSync('/proc/self/cgroup', 'utf8'),
  root = CGROUPS,
): string {
  const path = join(parent, SANDBOXES_CGROUP);
  for (const { controller, file } of WEIGHTS) {
    const hierarchy = join(root, controller);
    const ownWeight = join(hierarchy, ownPath(own, controller) ?? '', file);
    if (!existsSync(ownWeight)) continue;
    const group = join(hierarchy, path);
    mkdirSync(group, { recursive: true });
    // v2: a controller exists only where the parent passes it on
    if (existsSync(join(group, file))) writeFileSync(join(group, file), readFileSync(ownWeight, 'utf8').trim());
  }
  return path;
}

function ownPath(text: string, controller: string): string | undefined {
  const lines = text.split('\n').map((line) => line.split(':'));
  return lines.find(([, controllers = '']) => controllers.split(',').includes(controller))?.[2];
}
