import { fieldAt, isJson, type StoredObject } from '../kube-object';
import { type Column } from './resource';

export const NAME_COLUMN: Column = {
  name: 'Name',
  type: 'string',
  description: 'Name',
  cell: ({ metadata }) => metadata.name,
};
export const AGE_COLUMN: Column = {
  name: 'Age',
  type: 'string',
  description: 'Age',
  cell: ({ metadata }) => kubectlAge(metadata.creationTimestamp),
};

export function columnAt(name: string, path: string, type: Column['type'] = 'string', priority = 0): Column {
  return { name, type, priority, cell: (object) => fieldAt(object, path.split('.')) ?? '' };
}

/** Age as kubectl writes it: two units while the larger one is small, else one. */
export function kubectlAge(timestamp: unknown, now = Date.now()): string {
  if (typeof timestamp !== 'string') return '<unknown>';
  const seconds = Math.max(0, Math.floor((now - Date.parse(timestamp)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return withRest(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return withRest(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  return days < 8 ? withRest(days, 'd', hours % 24, 'h') : `${days}d`;
}

function withRest(amount: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${amount}${unit}` : `${amount}${unit}${rest}${restUnit}`;
}

export const POD_COLUMNS: readonly Column[] = [
  NAME_COLUMN,
  { name: 'Ready', type: 'string', cell: (pod) => `${ready(pod)}/${containers(pod).length}` },
  { name: 'Status', type: 'string', cell: podStatus },
  {
    name: 'Restarts',
    type: 'integer',
    cell: (pod) => statuses(pod).reduce((sum, { restartCount }) => sum + Number(restartCount ?? 0), 0),
  },
  AGE_COLUMN,
  { name: 'IP', type: 'string', priority: 1, cell: (pod) => fieldAt(pod, ['status', 'podIP']) ?? '<none>' },
  { name: 'Node', type: 'string', priority: 1, cell: (pod) => fieldAt(pod, ['spec', 'nodeName']) ?? '<none>' },
];

export const NODE_COLUMNS: readonly Column[] = [
  NAME_COLUMN,
  { name: 'Status', type: 'string', cell: nodeStatus },
  { name: 'Roles', type: 'string', cell: () => '<none>' },
  AGE_COLUMN,
  columnAt('Version', 'status.nodeInfo.kubeletVersion'),
];

export const EVENT_COLUMNS: readonly Column[] = [
  {
    name: 'Last Seen',
    type: 'string',
    cell: (event) => kubectlAge(event['lastTimestamp'] ?? event['eventTime'] ?? event.metadata.creationTimestamp),
  },
  columnAt('Type', 'type'),
  columnAt('Reason', 'reason'),
  { name: 'Object', type: 'string', cell: (event) => `${text(event, 'kind').toLowerCase()}/${text(event, 'name')}` },
  { name: 'Message', type: 'string', cell: ({ message }) => (typeof message === 'string' ? message.trim() : '') },
];

function text(event: StoredObject, field: string): string {
  const value = fieldAt(event, ['involvedObject', field]);
  return typeof value === 'string' ? value : '';
}

function listAt(object: StoredObject, ...path: string[]): Record<string, unknown>[] {
  const list = fieldAt(object, path);
  return Array.isArray(list) ? list.filter(isJson) : [];
}
const containers = (pod: StoredObject): Record<string, unknown>[] => listAt(pod, 'spec', 'containers');
const statuses = (pod: StoredObject): Record<string, unknown>[] => listAt(pod, 'status', 'containerStatuses');
const ready = (pod: StoredObject): number => statuses(pod).filter((status) => status['ready'] === true).length;

function podStatus(pod: StoredObject): unknown {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const waiting = statuses(pod).map((status) => fieldAt(status, ['state', 'waiting', 'reason']));
  return waiting.find((reason) => reason !== undefined) ?? fieldAt(pod, ['status', 'phase']);
}

function nodeStatus(node: StoredObject): string {
  const condition = listAt(node, 'status', 'conditions').find(({ type }) => type === 'Ready');
  const state = condition?.['status'] === 'True' ? 'Ready' : 'NotReady';
  return fieldAt(node, ['spec', 'unschedulable']) === true ? `${state},SchedulingDisabled` : state;
}
