import { isJson, type Json } from '../../../apps/standalone/src/apiserver/kube-object';
import { type Reply } from '../../support/kube-http';
import { MERGE, metaOf, type Row, sandbox, SANDBOX_GROUP, type Table } from '../row';

const NAMESPACE = 'owners';
const SANDBOXES = `${SANDBOX_GROUP}/namespaces/${NAMESPACE}/sandboxes`;
const MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const SERVED = ['configmaps', 'events', 'namespaces', 'nodes', 'pods', 'secrets', 'leases'];
const KEPT = ['name', 'kind', 'namespaced', 'shortNames', 'singularName'];

const isGone = ({ status }: Reply): boolean => status === 404;

/** What both serve, without what is told about it besides. */
function servedKinds({ resources, ...list }: Json): unknown {
  const kinds = (Array.isArray(resources) ? resources.filter(isJson) : [])
    .filter(({ name }) => SERVED.includes(String(name)))
    .map((kind) => Object.fromEntries(Object.entries(kind).filter(([key]) => KEPT.includes(key))))
    .sort((a, b) => (String(a['name']) < String(b['name']) ? -1 : 1));
  return { ...list, resources: kinds };
}

const groupNames = ({ groups }: Json): unknown =>
  (Array.isArray(groups) ? groups.filter(isJson) : []).filter(({ name }) =>
    ['sandbox.fast.io', 'coordination.k8s.io'].includes(String(name)),
  );

const discovery: Row[] = [
  ['tells its versions', 'GET', '/api', { view: ({ kind, versions }) => ({ kind, versions }) }],
  ['tells its groups', 'GET', '/apis', { view: (body) => ({ kind: body['kind'], groups: groupNames(body) }) }],
  ['tells its own kinds', 'GET', '/api/v1', { view: servedKinds }],
  ['tells its Leases', 'GET', '/apis/coordination.k8s.io/v1', { view: servedKinds }],
  ['tells a group', 'GET', '/apis/sandbox.fast.io'],
  ['tells the kinds of a group', 'GET', SANDBOX_GROUP],
  ['knows no such group', 'GET', '/apis/none.example.com'],
  ['knows no such version', 'GET', '/apis/sandbox.fast.io/v9'],
  ['knows no such path', 'GET', '/none'],
  ['tells its version', 'GET', '/version', { view: (body) => Object.keys(body).sort() }],
  ['is ready', 'GET', '/readyz'],
  ['is alive', 'GET', '/livez'],
  [
    'knows nobody by that token',
    'GET',
    { path: SANDBOXES, headers: { authorization: 'Bearer nobody-knows-this-one' } },
  ],
  ['lets nobody in without a token', 'GET', { path: SANDBOXES, headers: { authorization: '' } }],
  [
    'says who may',
    'POST',
    {
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
      },
    },
    { view: ({ kind, apiVersion, status }) => ({ kind, apiVersion, allowed: isJson(status) && status['allowed'] }) },
  ],
];

const ownedBy = (owner: Reply, name = 'owner', more: Json = {}): Json => ({
  ownerReferences: [
    { apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'Sandbox', name, uid: metaOf(owner)['uid'], ...more },
  ],
});
const isMarked = (reply: Reply): boolean => metaOf(reply)['deletionTimestamp'] !== undefined;
const hasNoOwner = (reply: Reply): boolean => metaOf(reply)['ownerReferences'] === undefined;

const owners: Row[] = [
  ['creates an owner', 'POST', { path: SANDBOXES, body: sandbox('owner') }],
  [
    'creates what it owns',
    'POST',
    (before) => ({ path: MAPS, body: { metadata: { name: 'owned', ...ownedBy(before('creates an owner')) } } }),
  ],
  [
    'creates a sandbox that it owns',
    'POST',
    (before) => ({ path: SANDBOXES, body: sandbox('owned', ownedBy(before('creates an owner'))) }),
  ],
  ['creates what nobody owns', 'POST', { path: MAPS, body: { metadata: { name: 'free' } } }],
  ['deletes the owner', 'DELETE', `${SANDBOXES}/owner?propagationPolicy=Background`],
  ['ends what it owned', 'GET', `${MAPS}/owned`, { until: isGone }],
  ['ends the sandbox that it owned', 'GET', `${SANDBOXES}/owned`, { until: isGone }],
  ['keeps what nobody owned', 'GET', `${MAPS}/free`],
  ['creates an owner in the foreground', 'POST', { path: SANDBOXES, body: sandbox('front') }],
  [
    'creates what blocks its end',
    'POST',
    (before) => {
      const owner = ownedBy(before('creates an owner in the foreground'), 'front', { blockOwnerDeletion: true });
      return { path: SANDBOXES, body: sandbox('blocks', { ...owner, finalizers: ['example.com/hold'] }) };
    },
  ],
  ['deletes it in the foreground', 'DELETE', `${SANDBOXES}/front?propagationPolicy=Foreground`],
  ['marks what blocks', 'GET', `${SANDBOXES}/blocks`, { until: isMarked }],
  ['keeps the owner meanwhile', 'GET', `${SANDBOXES}/front`],
  [
    'lets go of what blocks',
    'PATCH',
    { path: `${SANDBOXES}/blocks`, body: { metadata: { finalizers: null } }, headers: MERGE },
    { view: ({ kind }) => kind },
  ],
  ['ends the owner after it', 'GET', `${SANDBOXES}/front`, { until: isGone }],
  ['creates an owner of orphans', 'POST', { path: SANDBOXES, body: sandbox('leaving') }],
  [
    'creates an orphan to be',
    'POST',
    (before) => ({ path: SANDBOXES, body: sandbox('left', ownedBy(before('creates an owner of orphans'), 'leaving')) }),
  ],
  ['leaves orphans', 'DELETE', `${SANDBOXES}/leaving?propagationPolicy=Orphan`],
  ['takes the owner out of the orphan', 'GET', `${SANDBOXES}/left`, { until: hasNoOwner }],
  ['ends the owner of orphans', 'GET', `${SANDBOXES}/leaving`, { until: isGone }],
  [
    'refuses policy and older field',
    'DELETE',
    { path: `${SANDBOXES}/left`, body: { propagationPolicy: 'Orphan', orphanDependents: true } },
  ],
  ['orphans by the older field', 'DELETE', { path: `${SANDBOXES}/left`, body: { orphanDependents: true } }],
];

const SPACE = '/api/v1/namespaces/short-lived';

const namespaces: Row[] = [
  ['creates a namespace', 'POST', { path: '/api/v1/namespaces', body: { metadata: { name: 'short-lived' } } }],
  ['creates it once', 'POST', { path: '/api/v1/namespaces', body: { metadata: { name: 'short-lived' } } }],
  ['refuses a namespace with a dot', 'POST', { path: '/api/v1/namespaces', body: { metadata: { name: 'a.b' } } }],
  ['labels it', 'PATCH', { path: SPACE, body: { metadata: { labels: { a: 'b' } } }, headers: MERGE }],
  [
    'fills it',
    'POST',
    {
      path: `${SANDBOX_GROUP}/namespaces/short-lived/sandboxes`,
      body: sandbox('inside', { finalizers: ['example.com/hold'] }),
    },
  ],
  ['deletes it', 'DELETE', SPACE],
  [
    'takes nothing new into it',
    'POST',
    { path: `${SANDBOX_GROUP}/namespaces/short-lived/sandboxes`, body: sandbox('late') },
  ],
  [
    'marks what is in it',
    'GET',
    `${SANDBOX_GROUP}/namespaces/short-lived/sandboxes/inside`,
    { until: (reply) => metaOf(reply)['deletionTimestamp'] !== undefined },
  ],
  [
    'lets go of what is in it',
    'PATCH',
    {
      path: `${SANDBOX_GROUP}/namespaces/short-lived/sandboxes/inside`,
      body: { metadata: { finalizers: null } },
      headers: MERGE,
    },
  ],
  ['has ended it', 'GET', SPACE, { until: isGone }],
  ['refuses to end the default namespace', 'DELETE', '/api/v1/namespaces/default'],
];

export const cluster: Table = { namespace: NAMESPACE, rows: [...discovery, ...owners, ...namespaces] };
