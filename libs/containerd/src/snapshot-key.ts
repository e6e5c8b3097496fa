const SUFFIX = '-snapshot';

/** The key of a container's snapshot. */
export function snapshotKey(containerId: string): string {
  return `${containerId}${SUFFIX}`;
}

/** The container that a snapshot was made for. @returns undefined for a key of anything else */
export function containerOfSnapshot(key: string): string | undefined {
  return key.endsWith(SUFFIX) && key !== SUFFIX ? key.slice(0, -SUFFIX.length) : undefined;
}
