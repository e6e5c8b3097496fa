import { fieldAt, type Json, isJson, type StoredObject } from '../kube-object';
import { builtInSchema } from '../openapi/built-in-schema';
import { AGE_COLUMN, columnAt, EVENT_COLUMNS, NAME_COLUMN, NODE_COLUMNS, POD_COLUMNS } from './columns';
import { type Resource } from './resource';

const INVOLVED = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

type BuiltIn = Pick<Resource, 'plural' | 'singular' | 'kind'> & Partial<Resource>;

function builtIn(resource: BuiltIn, model = `V1${resource.kind}`): Resource {
  return {
    group: '',
    version: 'v1',
    shortNames: [],
    categories: [],
    namespaced: true,
    hasStatus: false,
    isCustom: false,
    isCreatedByUpdate: false,
    selectableFields: [],
    columns: [NAME_COLUMN, AGE_COLUMN],
    schema: builtInSchema(model),
    ...resource,
  };
}

/** Kinds of Kubernetes that the suite and `kubectl` use on one machine. */
export const BUILT_IN: readonly Resource[] = [
  builtIn({
    plural: 'namespaces',
    singular: 'namespace',
    kind: 'Namespace',
    shortNames: ['ns'],
    namespaced: false,
    hasStatus: true,
    selectableFields: ['status.phase'],
    columns: [NAME_COLUMN, columnAt('Status', 'status.phase'), AGE_COLUMN],
    prepareForCreate: (object) => ({ ...object, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }),
  }),
  builtIn({
    plural: 'pods',
    singular: 'pod',
    kind: 'Pod',
    shortNames: ['po'],
    categories: ['all'],
    hasStatus: true,
    selectableFields: ['spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'status.phase', 'status.podIP'],
    columns: POD_COLUMNS,
    prepareForCreate: preparePod,
  }),
  builtIn({
    plural: 'nodes',
    singular: 'node',
    kind: 'Node',
    shortNames: ['no'],
    namespaced: false,
    hasStatus: true,
    selectableFields: ['spec.unschedulable'],
    columns: NODE_COLUMNS,
    // a kubelet creates its Node with a status
    prepareForCreate: (object) => object,
  }),
  builtIn(
    {
      plural: 'events',
      singular: 'event',
      kind: 'Event',
      isCreatedByUpdate: true,
      shortNames: ['ev'],
      selectableFields: [
        ...INVOLVED.map((field) => `involvedObject.${field}`),
        'reason',
        'reportingComponent',
        'source',
        'type',
      ],
      columns: EVENT_COLUMNS,
    },
    'CoreV1Event',
  ),
  builtIn({
    plural: 'configmaps',
    singular: 'configmap',
    kind: 'ConfigMap',
    shortNames: ['cm'],
    columns: [NAME_COLUMN, { name: 'Data', type: 'integer', cell: ({ data }) => size(data) }, AGE_COLUMN],
  }),
  builtIn({
    plural: 'secrets',
    singular: 'secret',
    kind: 'Secret',
    selectableFields: ['type'],
    columns: [
      NAME_COLUMN,
      columnAt('Type', 'type'),
      { name: 'Data', type: 'integer', cell: ({ data }) => size(data) },
      AGE_COLUMN,
    ],
    prepareForCreate: ({ stringData, ...secret }) => ({
      type: 'Opaque',
      ...secret,
      ...(isJson(stringData) && {
        data: { ...(isJson(secret['data']) ? secret['data'] : {}), ...encoded(stringData) },
      }),
    }),
  }),
  builtIn({
    plural: 'resourcequotas',
    singular: 'resourcequota',
    kind: 'ResourceQuota',
    shortNames: ['quota'],
    hasStatus: true,
    columns: [
      NAME_COLUMN,
      { name: 'Request', type: 'string', cell: usedLimits },
      { name: 'Limit', type: 'string', cell: () => '' },
      AGE_COLUMN,
    ],
  }),
  builtIn({
    group: 'coordination.k8s.io',
    plural: 'leases',
    singular: 'lease',
    kind: 'Lease',
    isCreatedByUpdate: true,
    columns: [NAME_COLUMN, columnAt('Holder', 'spec.holderIdentity'), AGE_COLUMN],
  }),
];

/** Used and hard limits from the status, which the sandbox-controller writes; this server does not count. */
function usedLimits(quota: StoredObject): string {
  const hard = fieldAt(quota, ['status', 'hard']);
  const used = fieldAt(quota, ['status', 'used']);
  if (!isJson(hard)) return '';
  const usedOf = (resource: string): string => {
    const amount = isJson(used) ? used[resource] : undefined;
    return typeof amount === 'string' ? amount : '0';
  };
  return Object.entries(hard)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([resource, limit]) => `${resource}: ${usedOf(resource)}/${String(limit)}`)
    .join(', ');
}

function size(data: unknown): number {
  return isJson(data) ? Object.keys(data).length : 0;
}

function encoded(stringData: Json): Json {
  return Object.fromEntries(
    Object.entries(stringData).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]),
  );
}

/** Adds the defaults that the node and `kubectl describe` rely on. */
function preparePod(pod: Json): Json {
  const spec = isJson(pod['spec']) ? pod['spec'] : {};
  return {
    ...pod,
    spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, schedulerName: 'default-scheduler', ...spec },
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  };
}
