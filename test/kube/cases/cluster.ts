import { isJson, type Json } from '../../../apps/standalone/src/apiserver/kube-object';
import { type Reply } from '../../support/kube-http';
import { MERGE, metaOf, type Row, sandbox, SANDBOX_GROUP, type Table } from '../row';

const NAMESPACE = 'owners';
const SANDBOXES = `${SANDBOX_GROUP}/namespaces/${NAMESPACE}/sandboxes`;
const MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const SERVED = ['configmaps', 'events', 'namespaces', 'nodes', 'pods', 'secrets', 'leases'];
const KEPT = ['name', 'kind', 'namespaced', 'shortNames', 'singularName'];

const isGone = ({ status }: Reply): boolean => status === 404;

/** Names of the kinds that both servers serve, without further details. */
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
  ['lists the core API versions', 'GET', '/api', { view: ({ kind, versions }) => ({ kind, versions }) }],
  ['lists the API groups', 'GET', '/apis', { view: (body) => ({ kind: body['kind'], groups: groupNames(body) }) }],
  ['lists the core kinds', 'GET', '/api/v1', { view: servedKinds }],
  ['lists the coordination kinds', 'GET', '/apis/coordination.k8s.io/v1', { view: servedKinds }],
  ['describes an API group', 'GET', '/apis/sandbox.fast.io'],
  ['lists the kinds of an API group', 'GET', SANDBOX_GROUP],
  ['answers an unknown group', 'GET', '/apis/none.example.com'],
  ['answers an unknown version', 'GET', '/apis/sandbox.fast.io/v9'],
  ['answers an unknown path', 'GET', '/none'],
  ['reports its version', 'GET', '/version', { view: (body) => Object.keys(body).sort() }],
  ['is ready', 'GET', '/readyz'],
  ['is alive', 'GET', '/livez'],
  ['refuses an unknown token', 'GET', { path: SANDBOXES, headers: { authorization: 'Bearer nobody-knows-this-one' } }],
  ['refuses a request without a token', 'GET', { path: SANDBOXES, headers: { authorization: '' } }],
  [
    'answers an access review',
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
    'creates a dependent ConfigMap',
    'POST',
    (before) => ({ path: MAPS, body: { metadata: { name: 'owned', ...ownedBy(before('creates an owner')) } } }),
  ],
  [
    'creates a dependent sandbox',
    'POST',
    (before) => ({ path: SANDBOXES, body: sandbox('owned', ownedBy(before('creates an owner'))) }),
  ],
  ['creates a ConfigMap without an owner', 'POST', { path: MAPS, body: { metadata: { name: 'free' } } }],
  ['deletes the owner', 'DELETE', `${SANDBOXES}/owner?propagationPolicy=Background`],
  ['deletes the dependent ConfigMap', 'GET', `${MAPS}/owned`, { until: isGone }],
  ['deletes the dependent sandbox', 'GET', `${SANDBOXES}/owned`, { until: isGone }],
  ['keeps the ConfigMap without an owner', 'GET', `${MAPS}/free`],
  ['creates an owner for a foreground deletion', 'POST', { path: SANDBOXES, body: sandbox('front') }],
  [
    'creates a dependent that blocks the deletion',
    'POST',
    (before) => {
      const owner = ownedBy(before('creates an owner for a foreground deletion'), 'front', {
        blockOwnerDeletion: true,
      });
      return { path: SANDBOXES, body: sandbox('blocks', { ...owner, finalizers: ['example.com/hold'] }) };
    },
  ],
  ['deletes the owner in the foreground', 'DELETE', `${SANDBOXES}/front?propagationPolicy=Foreground`],
  ['marks the blocking dependent as deleted', 'GET', `${SANDBOXES}/blocks`, { until: isMarked }],
  ['keeps the owner meanwhile', 'GET', `${SANDBOXES}/front`],
  [
    'removes the finalizer of the blocking dependent',
    'PATCH',
    { path: `${SANDBOXES}/blocks`, body: { metadata: { finalizers: null } }, headers: MERGE },
    { view: ({ kind }) => kind },
  ],
  ['deletes the owner last', 'GET', `${SANDBOXES}/front`, { until: isGone }],
  ['creates an owner of orphans', 'POST', { path: SANDBOXES, body: sandbox('leaving') }],
  [
    'creates a dependent to be orphaned',
    'POST',
    (before) => ({ path: SANDBOXES, body: sandbox('left', ownedBy(before('creates an owner of orphans'), 'leaving')) }),
  ],
  ['deletes the owner and orphans its dependents', 'DELETE', `${SANDBOXES}/leaving?propagationPolicy=Orphan`],
  ['removes the owner reference of the orphan', 'GET', `${SANDBOXES}/left`, { until: hasNoOwner }],
  ['has removed the owner of orphans', 'GET', `${SANDBOXES}/leaving`, { until: isGone }],
  [
    'refuses propagationPolicy with orphanDependents',
    'DELETE',
    { path: `${SANDBOXES}/left`, body: { propagationPolicy: 'Orphan', orphanDependents: true } },
  ],
  ['accepts orphanDependents', 'DELETE', { path: `${SANDBOXES}/left`, body: { orphanDependents: true } }],
];

const SPACE = '/api/v1/namespaces/short-lived';

const namespaces: Row[] = [
  ['creates a namespace', 'POST', { path: '/api/v1/namespaces', body: { metadata: { name: 'short-lived' } } }],
  [
    'refuses to create a namespace twice',
    'POST',
    { path: '/api/v1/namespaces', body: { metadata: { name: 'short-lived' } } },
  ],
  ['refuses a namespace with a dot', 'POST', { path: '/api/v1/namespaces', body: { metadata: { name: 'a.b' } } }],
  ['labels the namespace', 'PATCH', { path: SPACE, body: { metadata: { labels: { a: 'b' } } }, headers: MERGE }],
  [
    'creates a sandbox in the namespace',
    'POST',
    {
      path: `${SANDBOX_GROUP}/namespaces/short-lived/sandboxes`,
      body: sandbox('inside', { finalizers: ['example.com/hold'] }),
    },
  ],
  ['deletes the namespace', 'DELETE', SPACE],
  [
    'refuses creates in a terminating namespace',
    'POST',
    { path: `${SANDBOX_GROUP}/namespaces/short-lived/sandboxes`, body: sandbox('late') },
  ],
  [
    'marks the objects of the namespace as deleted',
    'GET',
    `${SANDBOX_GROUP}/namespaces/short-lived/sandboxes/inside`,
    { until: (reply) => metaOf(reply)['deletionTimestamp'] !== undefined },
  ],
  [
    'removes the finalizer in the namespace',
    'PATCH',
    {
      path: `${SANDBOX_GROUP}/namespaces/short-lived/sandboxes/inside`,
      body: { metadata: { finalizers: null } },
      headers: MERGE,
    },
  ],
  ['has removed it', 'GET', SPACE, { until: isGone }],
  ['refuses to delete the default namespace', 'DELETE', '/api/v1/namespaces/default'],
];

export const cluster: Table = { namespace: NAMESPACE, rows: [...discovery, ...owners, ...namespaces] };
