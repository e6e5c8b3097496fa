/** HOST_NAME_MAX of Linux, less one: the kubelet's limit. */
const MAX_HOSTNAME = 63;

/** A sandbox's host name: its name, truncated as the kubelet does for a Pod, to end with a letter or a digit. Pure. */
export function hostnameOf(name: string): string {
  return name.slice(0, MAX_HOSTNAME).replace(/[-.]+$/, '');
}
