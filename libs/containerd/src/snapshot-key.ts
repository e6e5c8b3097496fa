const SUFFIX = '-snapshot';

/** The key of a container's snapshot. */
export function snapshotKey(containerId: string): string {
  return `${containerId}${SUFFIX}`;
}

/** The id of a snapshot's container. @returns undefined for any other key */
export function containerOfSnapshot(key: string): string | undefined {
  return key.endsWith(SUFFIX) && key !== SUFFIX ? key.slice(0, -SUFFIX.length) : undefined;
}
