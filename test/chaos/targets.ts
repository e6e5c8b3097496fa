import { files } from '../../apps/standalone/src/layout';
import { podRecord } from '../../apps/standalone/src/node/pod-record';
import { isAlive, type ProcessIdentity } from '../../apps/standalone/src/process-identity';
import { readJson } from '../../apps/standalone/src/state-file';
import { listJson, readRecords } from '../../apps/standalone/src/supervisor/process-record';
import { runningSupervisor } from '../../apps/standalone/src/supervisor/supervisor-lock';
import { type MachineStack } from '../support/machine-stack';

export interface Target {
  readonly name: string;
  readonly process: ProcessIdentity;
}

/** Every live process of the stack, from the stack's own records: a pid with its start time, so never a reused pid. */
export function livingTargets({ layout, apiserver }: MachineStack): Target[] {
  const supervisor = runningSupervisor(layout);
  const services = readRecords(layout).map(({ name, process }) => ({ name, process }));
  const agents = listJson(files.pods(layout)).flatMap((path) => {
    const record = readJson(path, podRecord);
    return record?.process ? [{ name: `agent/${record.name}`, process: record.process }] : [];
  });
  const all = [
    ...(supervisor ? [{ name: 'supervisor', process: supervisor }] : []),
    ...(apiserver ? [{ name: 'apiserver', process: apiserver }] : []),
    ...services,
    ...agents,
  ];
  return all.filter(({ process }) => isAlive(process)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Replicas of a service: `name`, `name-2` and so on. */
export function replicasOf(targets: readonly Target[], service: string): Target[] {
  return targets.filter(({ name }) => name === service || new RegExp(`^${service}-\\d+$`).test(name));
}
