/** HOST_NAME_MAX of Linux, less one: the most that the kubelet uses. */
const MAX_HOSTNAME = 63;

/** A sandbox's host name: its name, cut as the kubelet cuts a Pod's, so that it ends with a letter or a digit. Pure. */
export function hostnameOf(name: string): string {
  return name.slice(0, MAX_HOSTNAME).replace(/[-.]+$/, '');
}
