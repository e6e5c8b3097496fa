/** Short forms of an installation's uid, for what carries names on the machine: whoever cleans up finds all of it by them. */
const SHORT = 8;

function shortId(uid: string): string {
  return uid.replaceAll('-', '').slice(0, SHORT);
}

/** An interface's name has at most 15 characters. */
export function bridgeName(installation: string): string {
  return `fsb-${shortId(installation)}`;
}

export function networkNamespaceName(installation: string, podUid: string): string {
  return `${networkNamespacePrefix(installation)}${shortId(podUid)}`;
}

export function networkNamespacePrefix(installation: string): string {
  return `fsb-${shortId(installation)}-`;
}

/** Of the cgroups, in each hierarchy. */
export function cgroupName(installation: string): string {
  return `fast-sandbox-${shortId(installation)}`;
}

/** Below an agent Pod's cgroup: all of its sandboxes', beside the agent's own. */
export const SANDBOXES_CGROUP = 'sandboxes';
