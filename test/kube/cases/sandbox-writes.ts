import { type Json } from '../../../apps/standalone/src/apiserver/kube-object';
import { type Reply } from '../../support/kube-http';
import { changed, JSON_PATCH, MERGE, metaOf, type Row, sandbox, SANDBOX_GROUP, STRATEGIC, type Table } from '../row';

const NAMESPACE = 'writes';
const ALL = `${SANDBOX_GROUP}/namespaces/${NAMESPACE}/sandboxes`;
const ONE = `${ALL}/one`;
const create = (name: string, body: unknown, query = '', headers?: Record<string, string>): Row => [
  name,
  'POST',
  { path: `${ALL}${query}`, body, ...(headers && { headers }) },
];
const refused = (name: string, metadata: object, spec: object = {}): Row =>
  create(name, sandbox('refused', metadata, spec));
const patch = (name: string, body: unknown, path = ONE, headers = MERGE): Row => [
  name,
  'PATCH',
  { path, body, headers },
];

const specOf = ({ body }: Reply): Json => body['spec'] as Json;

const creates: Row[] = [
  create('creates a sandbox with its defaults', sandbox('one', { labels: { a: 'b' }, annotations: { note: 'x' } })),
  ['reads it', 'GET', ONE],
  ['reads its status', 'GET', `${ONE}/status`],
  ['does not find another', 'GET', `${ALL}/none`],
  create('refuses to create it twice', sandbox('one')),
  create('generates a name', sandbox(undefined, { generateName: 'gen-' })),
  create('needs a name', sandbox(undefined)),
  create('ignores a status at creation', { ...sandbox('with-status'), status: { phase: 'Running' } }),
  create('drops a field that the schema does not know', sandbox('unknown-field', {}, { typo: 1, image: 'b' })),
  create('keeps an unknown form of valueFrom', sandbox('kept', {}, { envs: [{ name: 'A', valueFrom: { odd: 1 } }] })),
  create('drops null for a default', sandbox('nulls', {}, { failurePolicy: null, recoveryTimeoutSeconds: null })),
  create('ignores metadata that the server sets', sandbox('own', { uid: 'mine', generation: 7 })),
  create('refuses a resourceVersion at creation', sandbox('versioned', { resourceVersion: '1' })),
  create(
    'takes YAML',
    'apiVersion: sandbox.fast.io/v1alpha1\nkind: Sandbox\nmetadata: {name: yaml}\nspec: {image: a, poolRef: b}\n',
    '',
    { 'content-type': 'application/yaml' },
  ),
  create('creates nothing with dryRun', sandbox('dry'), '?dryRun=All'),
  ['does not find the dryRun object', 'GET', `${ALL}/dry`],
  create('refuses an unknown dryRun', sandbox('dry'), '?dryRun=Some'),
];

const refusals: Row[] = [
  create('refuses another kind', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }),
  create('refuses another version', { ...sandbox('x'), apiVersion: 'sandbox.fast.io/v1' }),
  create('refuses a body without kind', { metadata: { name: 'x' } }),
  create('refuses another namespace', sandbox('x', { namespace: 'default' })),
  create('refuses an empty body', ''),
  create('refuses a body that is not JSON', '{"a":'),
  create('refuses a list', '[]'),
  create('refuses an unknown media type', sandbox('x'), '', { 'content-type': 'text/plain' }),
  ['refuses an absent namespace', 'POST', { path: `${SANDBOX_GROUP}/namespaces/none/sandboxes`, body: sandbox('x') }],
  create('refuses an invalid name', sandbox('Not_A_Name')),
  create('refuses a name that is too long', sandbox('a'.repeat(254))),
  refused('refuses an invalid label value', { labels: { a: 'not a value' } }),
  refused('refuses an invalid label key', { labels: { 'not a key': 'a' } }),
  refused('refuses an invalid annotation key', { annotations: { 'not a key': 'a' } }),
  refused('refuses a finalizer without domain', { finalizers: ['plain'] }),
  refused('refuses an owner without uid', { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a' }] }),
  refused('refuses labels that are not text', { labels: { a: 1 } }),
  refused('refuses a missing field', {}, { image: null }),
  refused('refuses an empty image', {}, { image: '' }),
  refused('refuses a number for text', {}, { image: 1 }),
  refused('refuses text for a list', {}, { command: 'sh' }),
  refused('refuses a value outside the enum', {}, { failurePolicy: 'Sometimes' }),
  refused('refuses a number below the minimum', {}, { recoveryTimeoutSeconds: 0 }),
  refused('refuses a number above the maximum', {}, { exposedPorts: [70_000] }),
  refused('refuses an invalid time', {}, { expireTime: 'tomorrow' }),
  refused('refuses an unknown pull policy', {}, { imagePullPolicy: 'Sometimes' }),
  refused('refuses an invalid quantity', {}, { resources: { memory: 'much' } }),
  refused('refuses three faults at once', {}, { image: '', poolRef: null, consistencyMode: 'odd' }),
  create('refuses an object without spec', {
    apiVersion: 'sandbox.fast.io/v1alpha1',
    kind: 'Sandbox',
    metadata: { name: 'x' },
  }),
];

const updates: Row[] = [
  ['refuses an update without a resourceVersion', 'PUT', { path: ONE, body: sandbox('one') }],
  [
    'updates',
    'PUT',
    (before) => ({
      path: ONE,
      body: changed(before('reads it'), {}, { spec: { ...specOf(before('reads it')), failurePolicy: 'AutoRecreate' } }),
    }),
  ],
  ['refuses an update of an older version', 'PUT', (before) => ({ path: ONE, body: before('reads it').body })],
  ['changes nothing with an equal update', 'PUT', (before) => ({ path: ONE, body: before('updates').body })],
  [
    'changes labels and keeps the generation',
    'PUT',
    (before) => ({ path: ONE, body: changed(before('updates'), { labels: { a: 'c' } }) }),
  ],
  [
    'refuses an update under another name',
    'PUT',
    (before) => ({ path: ONE, body: changed(before('updates'), { name: 'two' }) }),
  ],
  [
    'refuses an update of another uid',
    'PUT',
    (before) => ({
      path: ONE,
      body: changed(before('changes labels and keeps the generation'), { uid: '11111111-2222-3333-4444-555555555555' }),
    }),
  ],
  [
    'refuses an update of an absent object',
    'PUT',
    (before) => ({ path: `${ALL}/none`, body: changed(before('updates'), { name: 'none' }) }),
  ],
  [
    'refuses an invalid update',
    'PUT',
    (before) => ({
      path: ONE,
      body: changed(before('changes labels and keeps the generation'), {}, { spec: { image: 'c' } }),
    }),
  ],
  [
    'ignores a status in an update',
    'PUT',
    (before) => ({
      path: ONE,
      body: changed(before('changes labels and keeps the generation'), {}, { status: { phase: 'Failed' } }),
    }),
  ],
  [
    'updates nothing with dryRun',
    'PUT',
    (before) => ({
      path: `${ONE}?dryRun=All`,
      body: changed(before('changes labels and keeps the generation'), { labels: { dry: 'run' } }),
    }),
  ],
  [
    'updates the status and nothing else',
    'PUT',
    (before) => ({
      path: `${ONE}/status`,
      body: changed(
        before('changes labels and keeps the generation'),
        { labels: { not: 'this' } },
        { spec: { image: 'no', poolRef: 'no' }, status: { phase: 'Running' } },
      ),
    }),
  ],
  [
    'refuses a status of an older version',
    'PUT',
    (before) => ({ path: `${ONE}/status`, body: before('reads it').body }),
  ],
  ['reads what the updates left', 'GET', ONE],
];

const patches: Row[] = [
  patch('patches', { spec: { ttlSecondsAfterFinished: 5 } }),
  patch('removes a field by a patch', { spec: { ttlSecondsAfterFinished: null } }),
  patch('refuses a changed image', { spec: { image: 'nginx' } }),
  patch('refuses an added immutable field', { spec: { exposedPorts: [80] } }),
  patch('refuses an added pull policy', { spec: { imagePullPolicy: 'Always' } }),
  patch('refuses two changes at once', { spec: { image: 'nginx', resources: { cpu: '1' } } }),
  patch('restores a default that a patch removes', { spec: { failurePolicy: null } }),
  patch('accepts an empty patch', {}),
  patch('ignores a status outside the status path', { status: { phase: 'Failed' } }),
  patch('patches the status', { status: { phase: 'Failed', reason: 'Because' } }, `${ONE}/status`),
  patch('patches an unknown status field', { status: { odd: 1 } }, `${ONE}/status`),
  patch('refuses an unknown phase', { status: { phase: 'Odd' } }, `${ONE}/status`),
  patch('refuses a patch that breaks a rule', { spec: { image: '' } }),
  patch('refuses a patch of an older version', { metadata: { resourceVersion: '1' }, spec: { image: 'd' } }),
  patch('refuses a patch of the uid', { metadata: { uid: 'another' } }),
  patch('refuses a patch of the name', { metadata: { name: 'two' } }),
  patch('refuses a patch of an absent object', { spec: {} }, `${ALL}/none`),
  patch('refuses a patch that is not JSON', '{"a":'),
  patch('refuses a patch that is a list', '[]'),
  patch('patches nothing with dryRun', { spec: { ttlSecondsAfterFinished: 9 } }, `${ONE}?dryRun=All`),
  patch(
    'applies a JSON patch',
    [
      { op: 'test', path: '/spec/failurePolicy', value: 'Manual' },
      { op: 'add', path: '/metadata/finalizers', value: ['example.com/x'] },
      { op: 'add', path: '/metadata/finalizers/-', value: 'example.com/y' },
      { op: 'remove', path: '/metadata/finalizers' },
      { op: 'copy', from: '/spec/failurePolicy', path: '/metadata/annotations/copied' },
    ],
    ONE,
    JSON_PATCH,
  ),
  patch(
    'adds and moves by JSON patch',
    [
      { op: 'add', path: '/metadata/labels/x', value: 'x' },
      { op: 'move', from: '/metadata/labels/x', path: '/metadata/labels/y' },
    ],
    ONE,
    JSON_PATCH,
  ),
  patch(
    'refuses a JSON patch whose test fails',
    [{ op: 'test', path: '/spec/image', value: 'other' }],
    ONE,
    JSON_PATCH,
  ),
  patch('refuses to remove an absent field', [{ op: 'remove', path: '/spec/none' }], ONE, JSON_PATCH),
  patch('refuses an unknown operation', [{ op: 'odd', path: '/spec/image' }], ONE, JSON_PATCH),
  patch('refuses a JSON patch that is not a list', { op: 'test' }, ONE, JSON_PATCH),
  patch('refuses a strategic merge patch', { spec: { image: 'd' } }, ONE, STRATEGIC),
  patch('refuses an unknown patch type', { spec: { image: 'd' } }, ONE, { 'content-type': 'application/json' }),
  patch('answers a server-side apply', sandbox('applied'), `${ALL}/applied?fieldManager=test`, {
    'content-type': 'application/apply-patch+yaml',
  }),
  ['reads what the patches left', 'GET', ONE],
];

const deletions: Row[] = [
  [
    'refuses to delete another uid',
    'DELETE',
    { path: ONE, body: { preconditions: { uid: '11111111-2222-3333-4444-555555555555' } } },
  ],
  [
    'refuses to delete another version',
    'DELETE',
    (before) => ({
      path: ONE,
      body: { preconditions: { uid: metaOf(before('reads it'))['uid'], resourceVersion: '1' } },
    }),
  ],
  ['deletes nothing with dryRun', 'DELETE', `${ONE}?dryRun=All`],
  ['refuses invalid delete options', 'DELETE', { path: ONE, body: '{"a":' }],
  ['refuses an unknown policy', 'DELETE', { path: ONE, body: { propagationPolicy: 'Odd' } }],
  [
    'deletes',
    'DELETE',
    (before) => ({
      path: ONE,
      body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: metaOf(before('reads it'))['uid'] } },
    }),
  ],
  ['no longer finds it', 'GET', ONE],
  ['refuses to delete it twice', 'DELETE', ONE],
  create('creates one with a finalizer', sandbox('held', { finalizers: ['example.com/hold'] })),
  ['marks it as deleted', 'DELETE', `${ALL}/held`],
  ['keeps the first deletion timestamp', 'DELETE', `${ALL}/held`],
  create('refuses to create it again', sandbox('held')),
  patch('still changes it', { spec: { failurePolicy: 'AutoRecreate' } }, `${ALL}/held`),
  patch(
    'refuses to add a finalizer',
    { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } },
    `${ALL}/held`,
  ),
  patch('keeps the deletion timestamp', { metadata: { deletionTimestamp: null } }, `${ALL}/held`),
  patch('removes it with its last finalizer', { metadata: { finalizers: null } }, `${ALL}/held`),
  ['has removed it', 'GET', `${ALL}/held`],
];

export const sandboxWrites: Table = {
  namespace: NAMESPACE,
  rows: [...creates, ...refusals, ...updates, ...patches, ...deletions],
};
