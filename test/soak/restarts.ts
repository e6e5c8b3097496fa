import { type Layout, files } from '../../apps/standalone/src/layout';
import { podRecord } from '../../apps/standalone/src/node/pod-record';
import { readJson } from '../../apps/standalone/src/state-file';
import { listJson, readRecords } from '../../apps/standalone/src/supervisor/process-record';

interface Restarts {
  readonly name: string;
  readonly restarts: number;
}

/** Number of restarts of each process of the stack, agents included. */
export function restartsOf(layout: Layout): Restarts[] {
  const services = readRecords(layout).map(({ name, restarts }) => ({ name, restarts }));
  const agents = listJson(files.pods(layout)).flatMap((path) => {
    const record = readJson(path, podRecord);
    return record ? [{ name: record.name, restarts: record.restarts }] : [];
  });
  return [...services, ...agents];
}
