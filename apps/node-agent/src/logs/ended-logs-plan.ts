/** A log whose sandbox has ended and been removed while its object stays. */
export interface EndedLog {
  readonly sandboxId: string;
  /** of the object */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** RFC 3339 */
  readonly endedAt: string;
  /** set before the log is removed to make room for others */
  readonly removed?: RemovedLog;
}

export interface RemovedLog {
  /** RFC 3339 */
  readonly at: string;
  readonly limit: 'namespace' | 'node';
  /** value of the limit */
  readonly maxBytes: number;
}

export interface EndedLogLimits {
  /** bytes of a namespace's logs on this node */
  readonly namespaceBytes: number;
  /** bytes of all on this node */
  readonly nodeBytes: number;
}

export interface EndedLogStep {
  /** logs to remove with their records: their objects have had two later containers, so that nothing refers to them */
  readonly forget: readonly string[];
  /** logs to remove, with records that stay */
  readonly remove: readonly { readonly sandboxId: string; readonly limit: 'namespace' | 'node' }[];
}

/** Containers of one object whose logs can be asked for: the last one, and the one before. */
const PER_OBJECT = 2;
/** The least that a log counts towards the limits, so that they bound the number of files too. */
const LEAST_BYTES = 64 * 1024;

/** Selects the logs to remove, those that ended first before others. Pure. @param logs with their bytes on disk */
export function endedLogsToRemove(
  logs: readonly (EndedLog & { readonly bytes: number })[],
  { namespaceBytes, nodeBytes }: EndedLogLimits,
): EndedLogStep {
  const newestFirst = [...logs].sort((a, b) => (a.endedAt < b.endedAt ? 1 : a.endedAt > b.endedAt ? -1 : 0));
  const forget: string[] = [];
  const remove: EndedLogStep['remove'][number][] = [];
  const ofObject = new Map<string, number>();
  const ofNamespace = new Map<string, number>();
  let ofNode = 0;
  for (const { sandboxId, uid, namespace, removed, bytes } of newestFirst) {
    const nth = (ofObject.get(uid) ?? 0) + 1;
    ofObject.set(uid, nth);
    if (nth > PER_OBJECT) {
      forget.push(sandboxId);
      continue;
    }
    if (removed) {
      if (bytes > 0) remove.push({ sandboxId, limit: removed.limit }); // the agent was killed in between
      continue;
    }
    const counted = Math.max(LEAST_BYTES, bytes);
    const namespaceSum = (ofNamespace.get(namespace) ?? 0) + counted;
    if (namespaceSum > namespaceBytes) remove.push({ sandboxId, limit: 'namespace' });
    else if (ofNode + counted > nodeBytes) remove.push({ sandboxId, limit: 'node' });
    else {
      ofNode += counted;
      ofNamespace.set(namespace, namespaceSum);
    }
  }
  return { forget, remove };
}
