import { type Json } from '../../../apps/standalone/src/apiserver/kube-object';
import { AS_TABLE, changed, JSON_PATCH, MERGE, type Row, STRATEGIC, type Table } from '../row';

const NAMESPACE = 'builtin';
const CORE = `/api/v1/namespaces/${NAMESPACE}`;
const MAPS = `${CORE}/configmaps`;
const SECRETS = `${CORE}/secrets`;
const EVENTS = `${CORE}/events`;
const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;

const map = (name: string, fields: object): Json => ({ metadata: { name }, ...fields });
const post = (name: string, path: string, body: unknown): Row => [name, 'POST', { path, body }];
const patch = (name: string, path: string, body: unknown, headers = STRATEGIC): Row => [
  name,
  'PATCH',
  { path, body, headers },
];

const configMaps: Row[] = [
  post('creates a ConfigMap', MAPS, map('map', { data: { a: '1' } })),
  post('refuses an invalid key', MAPS, map('bad', { data: { 'a b': '1' } })),
  post('refuses data that is not text', MAPS, map('bad', { data: { a: 1 } })),
  post('refuses the same key as text and binary', MAPS, map('bad', { data: { a: '1' }, binaryData: { a: 'MQ==' } })),
  [
    'updates a ConfigMap without a resourceVersion',
    'PUT',
    { path: `${MAPS}/map`, body: map('map', { data: { a: '2' } }) },
  ],
  [
    'refuses an update from an older resourceVersion',
    'PUT',
    (before) => ({ path: `${MAPS}/map`, body: before('creates a ConfigMap').body }),
  ],
  ['creates no ConfigMap by PUT', 'PUT', { path: `${MAPS}/none`, body: map('none', {}) }],
  patch('applies a strategic merge patch', `${MAPS}/map`, { data: { b: '3' }, metadata: { labels: { set: 'mine' } } }),
  patch('merges finalizers as a set', `${MAPS}/map`, { metadata: { finalizers: ['example.com/a'] } }),
  patch('adds a finalizer to the set', `${MAPS}/map`, { metadata: { finalizers: ['example.com/b'] } }),
  patch('removes a finalizer from the set', `${MAPS}/map`, {
    metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a'] },
  }),
  patch('replaces a map by directive', `${MAPS}/map`, { data: { $patch: 'replace', c: '4' } }),
  patch('removes all finalizers', `${MAPS}/map`, { metadata: { finalizers: [] } }, MERGE),
  patch('replaces a value by JSON patch', `${MAPS}/map`, [{ op: 'replace', path: '/data/c', value: '5' }], JSON_PATCH),
  ['lists ConfigMaps', 'GET', `${MAPS}?labelSelector=set%3Dmine`],
  ['shows a table of ConfigMaps', 'GET', { path: `${MAPS}?labelSelector=set%3Dmine`, headers: AS_TABLE }],
  patch('makes the ConfigMap immutable', `${MAPS}/map`, { immutable: true }),
  patch('refuses to change an immutable ConfigMap', `${MAPS}/map`, { data: { c: '6' } }),
  patch('refuses to make it mutable again', `${MAPS}/map`, { immutable: false }),
  ['deletes the ConfigMap', 'DELETE', `${MAPS}/map`],
];

const secrets: Row[] = [
  post('creates a Secret from text', SECRETS, map('secret', { stringData: { a: 'x' }, data: { b: 'eQ==' } })),
  post('refuses data that is not base64', SECRETS, map('bad', { data: { a: '§' } })),
  patch('accepts stringData in a patch', `${SECRETS}/secret`, { stringData: { c: 'z' } }),
  patch('refuses a changed Secret type', `${SECRETS}/secret`, { type: 'example.com/other' }),
  post('refuses a registry secret without its key', SECRETS, map('bad', { type: 'kubernetes.io/dockerconfigjson' })),
  ['shows a table of one Secret', 'GET', { path: `${SECRETS}/secret`, headers: AS_TABLE }],
  ['selects Secrets by type', 'GET', `${SECRETS}?fieldSelector=type%3DOpaque`],
  ['deletes the Secret', 'DELETE', `${SECRETS}/secret`],
];

const involvedObject = {
  kind: 'Sandbox',
  namespace: NAMESPACE,
  name: 'one',
  uid: 'x',
  apiVersion: 'sandbox.fast.io/v1alpha1',
};
const happened = {
  reason: 'Created',
  message: 'It was created',
  type: 'Normal',
  source: { component: 'test' },
  count: 1,
};

const events: Row[] = [
  post(
    'creates an Event',
    EVENTS,
    map('one.1', {
      involvedObject,
      ...happened,
      firstTimestamp: '2030-01-01T00:00:00Z',
      lastTimestamp: '2030-01-01T00:00:00Z',
    }),
  ),
  post(
    'refuses an Event about another namespace',
    EVENTS,
    map('one.2', { involvedObject: { ...involvedObject, namespace: 'default' }, ...happened }),
  ),
  post(
    'creates an Event with the newer fields',
    EVENTS,
    map('one.3', {
      involvedObject,
      reason: 'Created',
      action: 'Create',
      type: 'Warning',
      reportingComponent: 'example.com/test',
      reportingInstance: 'test-1',
      eventTime: '2030-01-01T00:00:00.000000Z',
    }),
  ),
  patch('raises the count of an Event', `${EVENTS}/one.1`, { count: 2 }),
  ['selects Events by object', 'GET', `${EVENTS}?fieldSelector=involvedObject.name%3Done,type%3DNormal`],
  ['refuses to select Events by message', 'GET', `${EVENTS}?fieldSelector=message%3Da`],
  [
    'updates an Event',
    'PUT',
    (before) => ({ path: `${EVENTS}/one.1`, body: changed(before('raises the count of an Event'), {}, { count: 3 }) }),
  ],
  ['deletes Events', 'DELETE', `${EVENTS}?fieldSelector=involvedObject.name%3Done`],
];

const spec = { holderIdentity: 'me', leaseDurationSeconds: 15, renewTime: '2030-01-01T00:00:00.123456Z' };

const leases: Row[] = [
  post('creates a Lease', LEASES, map('lease', { spec })),
  post('refuses to create a Lease twice', LEASES, map('lease', { spec })),
  ['refuses a Lease without a resourceVersion', 'PUT', { path: `${LEASES}/lease`, body: map('lease', { spec }) }],
  [
    'renews a Lease',
    'PUT',
    (before) => ({
      path: `${LEASES}/lease`,
      body: changed(before('creates a Lease'), {}, { spec: { ...spec, holderIdentity: 'you', leaseTransitions: 1 } }),
    }),
  ],
  [
    'refuses the older version of a Lease',
    'PUT',
    (before) => ({ path: `${LEASES}/lease`, body: changed(before('creates a Lease'), {}, { spec }) }),
  ],
  ['creates a Lease by PUT', 'PUT', { path: `${LEASES}/other`, body: map('other', { spec }) }],
  patch('patches a Lease', `${LEASES}/lease`, { spec: { holderIdentity: '' } }, MERGE),
  patch('refuses a duration of zero', `${LEASES}/lease`, { spec: { leaseDurationSeconds: 0 } }, MERGE),
  post('refuses an invalid time', LEASES, map('bad', { spec: { renewTime: 'now' } })),
  ['lists Leases', 'GET', LEASES],
  ['shows a table of Leases', 'GET', { path: LEASES, headers: AS_TABLE }],
  ['deletes a Lease', 'DELETE', `${LEASES}/lease`],
];

export const builtIn: Table = { namespace: NAMESPACE, rows: [...configMaps, ...secrets, ...events, ...leases] };
