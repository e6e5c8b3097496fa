/** Hex digits of a uid in a name on the node. A sweep finds everything of an installation by the digits of its uid. */
const SHORT = 8;

function shortId(uid: string): string {
  return uid.replaceAll('-', '').slice(0, SHORT);
}

/** The installation's bridge. Linux allows 15 characters for an interface's name. */
export function bridgeName(installation: string): string {
  return `fsb-${shortId(installation)}`;
}

export function networkNamespaceName(installation: string, podUid: string): string {
  return `${networkNamespacePrefix(installation)}${shortId(podUid)}`;
}

export function networkNamespacePrefix(installation: string): string {
  return `fsb-${shortId(installation)}-`;
}

/** The installation's cgroup, of the same name in each hierarchy. */
export function cgroupName(installation: string): string {
  return `fast-sandbox-${shortId(installation)}`;
}

/** The cgroup of all sandboxes of an agent, below its Pod's and beside the agent's own. */
export const SANDBOXES_CGROUP = 'sandboxes';
