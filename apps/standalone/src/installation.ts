/** Short forms of an installation's uid, for what carries names on the machine: all of it is found by them, also by `down`. */
const SHORT = 8;

export function shortId(uid: string): string {
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
