import { fieldAt, isJson } from '../../../apps/standalone/src/apiserver/kube-object';
import { AS_TABLE, type Handling, MERGE, metaOf, type Row, sandbox, SANDBOX_GROUP, type Table } from '../row';

const NAMESPACE = 'reads';
const ALL = `${SANDBOX_GROUP}/namespaces/${NAMESPACE}/sandboxes`;
const POOLS = `${SANDBOX_GROUP}/namespaces/${NAMESPACE}/sandboxpools`;
const AS_PARTIAL = { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' };
const AS_PARTIAL_LIST = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };

/** A real API server answers from its cache in the order of a map. */
const IN_ANY_ORDER: Handling = {
  view: ({ events, items }) =>
    [events, items]
      .flatMap((list) => (Array.isArray(list) ? list.filter(isJson) : []))
      .map((one) => ({ type: one['type'], name: fieldAt(one['object'] ?? one, ['metadata', 'name']) }))
      .sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1)),
};

const create = (name: string, labels: Record<string, string>): Row => [
  `creates ${name}`,
  'POST',
  { path: ALL, body: sandbox(name, { labels }) },
];
const list = (name: string, query: string, headers?: Record<string, string>): Row => [
  name,
  'GET',
  { path: `${ALL}?${query}`, ...(headers && { headers }) },
];
const label = (selector: string): Row => list(`selects ${selector}`, `labelSelector=${encodeURIComponent(selector)}`);
const field = (selector: string): Row => list(`selects ${selector}`, `fieldSelector=${encodeURIComponent(selector)}`);

const lists: Row[] = [
  ['lists nothing', 'GET', ALL],
  ['lists nothing in an absent namespace', 'GET', `${SANDBOX_GROUP}/namespaces/none/sandboxes`],
  ['shows nothing as a table', 'GET', { path: ALL, headers: AS_TABLE }],
  create('a', { app: 'x', tier: 'front' }),
  create('b', { app: 'x' }),
  create('c', { app: 'y' }),
  ['lists all', 'GET', ALL],
  ['lists across namespaces', 'GET', `${SANDBOX_GROUP}/sandboxes?labelSelector=app%3Dy`],
  ...['app=x', 'app!=x', 'app in (x,y),tier', '!tier', 'app notin (x)', 'app=x,tier=front', 'none'].map(label),
  ...['==', 'app in x', 'app=not a value', '-app=x'].map(label),
  ...['metadata.name=a', 'metadata.name!=a', 'metadata.namespace=reads', 'spec.image=alpine', 'metadata.name'].map(
    field,
  ),
  list('gives a first page', 'limit=2'),
  [
    'gives the next page',
    'GET',
    (before) => ({ path: `${ALL}?limit=2&continue=${next(metaOf(before('gives a first page')))}` }),
  ],
  list('gives the last page', 'limit=3'),
  list('gives a first page of a selection', 'limit=1&labelSelector=app%3Dx'),
  list('refuses an invalid continue token', 'limit=1&continue=nonsense'),
  list('refuses a limit that is not a number', 'limit=many'),
  list('ignores a negative limit', 'limit=-1'),
  ['lists from a cache', 'GET', `${ALL}?resourceVersion=0`, IN_ANY_ORDER],
  list('refuses an invalid resourceVersion', 'resourceVersion=new'),
  list('refuses a resourceVersionMatch without resourceVersion', 'resourceVersionMatch=Exact'),
  list('refuses an unknown resourceVersionMatch', 'resourceVersion=1&resourceVersionMatch=Odd'),
  [
    'lists at a resourceVersion',
    'GET',
    (before) => ({
      path: `${ALL}?resourceVersionMatch=NotOlderThan&resourceVersion=${String(metaOf(before('lists all'))['resourceVersion'])}`,
    }),
    IN_ANY_ORDER,
  ],
];

const forms: Row[] = [
  ['shows a table', 'GET', { path: ALL, headers: AS_TABLE }],
  ['shows a table of one', 'GET', { path: `${ALL}/a`, headers: AS_TABLE }],
  list('shows a table with whole objects', 'includeObject=Object', AS_TABLE),
  list('shows a table without objects', 'includeObject=None', AS_TABLE),
  list('refuses another includeObject', 'includeObject=Odd', AS_TABLE),
  ['shows metadata alone', 'GET', { path: `${ALL}/a`, headers: AS_PARTIAL }],
  ['lists metadata alone', 'GET', { path: ALL, headers: AS_PARTIAL_LIST }],
  ['answers a browser', 'GET', { path: `${ALL}/a`, headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } }],
  ['refuses HTML alone', 'GET', { path: `${ALL}/a`, headers: { accept: 'text/html' } }],
  [
    'answers a request for protobuf',
    'GET',
    { path: `${ALL}/a`, headers: { accept: 'application/vnd.kubernetes.protobuf' } },
  ],
  ['answers an unknown kind', 'GET', `${SANDBOX_GROUP}/namespaces/${NAMESPACE}/nothings`],
  ['answers an unknown subresource', 'GET', `${ALL}/a/scale`],
  ['refuses a POST to an object', 'POST', { path: `${ALL}/a`, body: sandbox('a') }],
  ['refuses a PUT to a collection', 'PUT', { path: ALL, body: sandbox('a') }],
];

const watches: Row[] = [
  ['patches one', 'PATCH', { path: `${ALL}/a`, body: { metadata: { labels: { app: 'z' } } }, headers: MERGE }],
  ['deletes one', 'DELETE', `${ALL}/b`],
  ['watches past events', 'WATCH', (before) => ({ path: since(before('lists all').body.metadata), events: 2 })],
  [
    'watches objects that start or stop matching',
    'WATCH',
    (before) => ({ path: `${since(before('lists all').body.metadata)}&labelSelector=app%3Dx`, events: 2 }),
  ],
  [
    'watches one by name',
    'WATCH',
    (before) => ({ path: `${since(before('lists all').body.metadata)}&fieldSelector=metadata.name%3Db`, events: 1 }),
  ],
  [
    'watches from version 0, existing objects first',
    'WATCH',
    { path: `${ALL}?watch=1&resourceVersion=0`, events: 2 },
    IN_ANY_ORDER,
  ],
  ['watches without a resourceVersion', 'WATCH', { path: `${ALL}?watch=true`, events: 2 }, IN_ANY_ORDER],
  ['ends a watch after timeoutSeconds', 'WATCH', { path: `${ALL}?watch=true&timeoutSeconds=1` }, IN_ANY_ORDER],
  [
    'watches as tables',
    'WATCH',
    (before) => ({ path: since(before('lists all').body.metadata), headers: AS_TABLE, events: 2 }),
  ],
  [
    'watches metadata alone',
    'WATCH',
    (before) => ({ path: since(before('lists all').body.metadata), headers: AS_PARTIAL, events: 2 }),
  ],
  [
    'reports to a watch that its version is too old',
    'WATCH',
    { path: `${ALL}?watch=true&resourceVersion=1`, events: 1 },
  ],
  [
    'refuses a watch from an invalid resourceVersion',
    'WATCH',
    { path: `${ALL}?watch=true&resourceVersion=new`, events: 1 },
  ],
  [
    'refuses a watch in pages',
    'WATCH',
    { path: `${ALL}?watch=true&resourceVersion=0&limit=1`, events: 1 },
    IN_ANY_ORDER,
  ],
  ['deletes a selection', 'DELETE', `${ALL}?labelSelector=app%3Dz`],
  ['keeps the others', 'GET', ALL],
  ['deletes all', 'DELETE', ALL],
  ['has deleted all', 'GET', ALL],
];

const pools: Row[] = [
  [
    'creates a pool and keeps its template unchanged',
    'POST',
    {
      path: POOLS,
      body: {
        apiVersion: 'sandbox.fast.io/v1alpha1',
        kind: 'SandboxPool',
        metadata: { name: 'pool' },
        spec: {
          capacity: { poolMin: 1 },
          agentTemplate: { spec: { containers: [{ name: 'agent', odd: { goes: true } }] } },
        },
      },
    },
  ],
  [
    'refuses a capacity below 0',
    'PATCH',
    { path: `${POOLS}/pool`, body: { spec: { capacity: { poolMin: -1 } } }, headers: MERGE },
  ],
  [
    'refuses a warm image without its name',
    'PATCH',
    { path: `${POOLS}/pool`, body: { spec: { warmImages: [{ containers: 1 }] } }, headers: MERGE },
  ],
  [
    'patches a pool’s status',
    'PATCH',
    {
      path: `${POOLS}/pool/status`,
      body: { status: { currentPods: 2, conditions: [{ type: 'Valid', status: 'True' }] } },
      headers: MERGE,
    },
  ],
  [
    'refuses two conditions of one type',
    'PATCH',
    {
      path: `${POOLS}/pool/status`,
      body: {
        status: {
          conditions: [
            { type: 'Valid', status: 'True' },
            { type: 'Valid', status: 'False' },
          ],
        },
      },
      headers: MERGE,
    },
  ],
  ['shows a table of pools', 'GET', { path: POOLS, headers: AS_TABLE }],
  ['deletes the pool', 'DELETE', `${POOLS}/pool`],
];

export const sandboxReads: Table = { namespace: NAMESPACE, rows: [...lists, ...forms, ...watches, ...pools] };

function next(metadata: Record<string, unknown>): string {
  return encodeURIComponent(String(metadata['continue']));
}

function since(metadata: Record<string, unknown> | undefined): string {
  return `${ALL}?watch=true&resourceVersion=${String(metadata?.['resourceVersion'])}`;
}
