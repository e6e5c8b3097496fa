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
  create('does not create it twice', sandbox('one')),
  create('makes up a name', sandbox(undefined, { generateName: 'gen-' })),
  create('needs a name', sandbox(undefined)),
  create('takes no status at creation', { ...sandbox('with-status'), status: { phase: 'Running' } }),
  create('drops a field that the schema does not know', sandbox('unknown-field', {}, { typo: 1, image: 'b' })),
  create('keeps an unknown form of valueFrom', sandbox('kept', {}, { envs: [{ name: 'A', valueFrom: { odd: 1 } }] })),
  create('drops null for a default', sandbox('nulls', {}, { failurePolicy: null, recoveryTimeoutSeconds: null })),
  create('ignores metadata that are the server’s', sandbox('own', { uid: 'mine', generation: 7 })),
  create('takes no resourceVersion at creation', sandbox('versioned', { resourceVersion: '1' })),
  create(
    'takes YAML',
    'apiVersion: sandbox.fast.io/v1alpha1\nkind: Sandbox\nmetadata: {name: yaml}\nspec: {image: a, poolRef: b}\n',
    '',
    { 'content-type': 'application/yaml' },
  ),
  create('tries without effect', sandbox('dry'), '?dryRun=All'),
  ['has had no effect', 'GET', `${ALL}/dry`],
  create('refuses another dryRun', sandbox('dry'), '?dryRun=Some'),
];

const refusals: Row[] = [
  create('refuses another kind', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }),
  create('refuses another version', { ...sandbox('x'), apiVersion: 'sandbox.fast.io/v1' }),
  create('refuses a body without kind', { metadata: { name: 'x' } }),
  create('refuses another namespace', sandbox('x', { namespace: 'default' })),
  create('refuses an empty body', ''),
  create('refuses what is no JSON', '{"a":'),
  create('refuses a list', '[]'),
  create('refuses an unknown media type', sandbox('x'), '', { 'content-type': 'text/plain' }),
  [
    'refuses a namespace that is none',
    'POST',
    { path: `${SANDBOX_GROUP}/namespaces/none/sandboxes`, body: sandbox('x') },
  ],
  create('refuses a name that is none', sandbox('Not_A_Name')),
  create('refuses a name that is too long', sandbox('a'.repeat(254))),
  refused('refuses a label value', { labels: { a: 'not a value' } }),
  refused('refuses a label key', { labels: { 'not a key': 'a' } }),
  refused('refuses an annotation key', { annotations: { 'not a key': 'a' } }),
  refused('refuses a finalizer without domain', { finalizers: ['plain'] }),
  refused('refuses an owner without uid', { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a' }] }),
  refused('refuses labels that are no text', { labels: { a: 1 } }),
  refused('refuses a missing field', {}, { image: null }),
  refused('refuses an empty image', {}, { image: '' }),
  refused('refuses a number for text', {}, { image: 1 }),
  refused('refuses text for a list', {}, { command: 'sh' }),
  refused('refuses what is not in the enum', {}, { failurePolicy: 'Sometimes' }),
  refused('refuses a number below the minimum', {}, { recoveryTimeoutSeconds: 0 }),
  refused('refuses a number above the maximum', {}, { exposedPorts: [70_000] }),
  refused('refuses what is no time', {}, { expireTime: 'tomorrow' }),
  refused('refuses an unknown pull policy', {}, { imagePullPolicy: 'Sometimes' }),
  refused('refuses what is no quantity', {}, { resources: { memory: 'much' } }),
  refused('refuses three things at once', {}, { image: '', poolRef: null, consistencyMode: 'odd' }),
  create('refuses an object without spec', {
    apiVersion: 'sandbox.fast.io/v1alpha1',
    kind: 'Sandbox',
    metadata: { name: 'x' },
  }),
];

const updates: Row[] = [
  ['refuses an update without version', 'PUT', { path: ONE, body: sandbox('one') }],
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
    'changes labels without a generation',
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
      body: changed(before('changes labels without a generation'), { uid: '11111111-2222-3333-4444-555555555555' }),
    }),
  ],
  [
    'refuses an update of what is not there',
    'PUT',
    (before) => ({ path: `${ALL}/none`, body: changed(before('updates'), { name: 'none' }) }),
  ],
  [
    'refuses an invalid update',
    'PUT',
    (before) => ({
      path: ONE,
      body: changed(before('changes labels without a generation'), {}, { spec: { image: 'c' } }),
    }),
  ],
  [
    'takes no status with an update',
    'PUT',
    (before) => ({
      path: ONE,
      body: changed(before('changes labels without a generation'), {}, { status: { phase: 'Failed' } }),
    }),
  ],
  [
    'tries an update without effect',
    'PUT',
    (before) => ({
      path: `${ONE}?dryRun=All`,
      body: changed(before('changes labels without a generation'), { labels: { dry: 'run' } }),
    }),
  ],
  [
    'updates the status and nothing else',
    'PUT',
    (before) => ({
      path: `${ONE}/status`,
      body: changed(
        before('changes labels without a generation'),
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
  patch('patches a field away', { spec: { ttlSecondsAfterFinished: null } }),
  patch('refuses another image', { spec: { image: 'nginx' } }),
  patch('refuses a field that comes', { spec: { exposedPorts: [80] } }),
  patch('refuses a pull policy that comes', { spec: { imagePullPolicy: 'Always' } }),
  patch('refuses two changes at once', { spec: { image: 'nginx', resources: { cpu: '1' } } }),
  patch('patches a default away, which comes back', { spec: { failurePolicy: null } }),
  patch('patches nothing', {}),
  patch('patches the status through its path alone', { status: { phase: 'Failed' } }),
  patch('patches the status', { status: { phase: 'Failed', reason: 'Because' } }, `${ONE}/status`),
  patch('patches an unknown status field', { status: { odd: 1 } }, `${ONE}/status`),
  patch('refuses an unknown phase', { status: { phase: 'Odd' } }, `${ONE}/status`),
  patch('refuses a patch that breaks a rule', { spec: { image: '' } }),
  patch('refuses a patch of an older version', { metadata: { resourceVersion: '1' }, spec: { image: 'd' } }),
  patch('refuses a patch of the uid', { metadata: { uid: 'another' } }),
  patch('refuses a patch of the name', { metadata: { name: 'two' } }),
  patch('refuses a patch of what is not there', { spec: {} }, `${ALL}/none`),
  patch('refuses a patch that is no JSON', '{"a":'),
  patch('refuses a patch that is a list', '[]'),
  patch('tries a patch without effect', { spec: { ttlSecondsAfterFinished: 9 } }, `${ONE}?dryRun=All`),
  patch(
    'patches by operations',
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
    'adds by operations',
    [
      { op: 'add', path: '/metadata/labels/x', value: 'x' },
      { op: 'move', from: '/metadata/labels/x', path: '/metadata/labels/y' },
    ],
    ONE,
    JSON_PATCH,
  ),
  patch('refuses a failed test', [{ op: 'test', path: '/spec/image', value: 'other' }], ONE, JSON_PATCH),
  patch('refuses to remove what is not there', [{ op: 'remove', path: '/spec/none' }], ONE, JSON_PATCH),
  patch('refuses an unknown operation', [{ op: 'odd', path: '/spec/image' }], ONE, JSON_PATCH),
  patch('refuses operations that are no list', { op: 'test' }, ONE, JSON_PATCH),
  patch('has no strategic merge', { spec: { image: 'd' } }, ONE, STRATEGIC),
  patch('refuses an unknown patch', { spec: { image: 'd' } }, ONE, { 'content-type': 'application/json' }),
  patch('applies on the server', sandbox('applied'), `${ALL}/applied?fieldManager=test`, {
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
  ['tries a deletion without effect', 'DELETE', `${ONE}?dryRun=All`],
  ['refuses options that are none', 'DELETE', { path: ONE, body: '{"a":' }],
  ['refuses an unknown policy', 'DELETE', { path: ONE, body: { propagationPolicy: 'Odd' } }],
  [
    'deletes',
    'DELETE',
    (before) => ({
      path: ONE,
      body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: metaOf(before('reads it'))['uid'] } },
    }),
  ],
  ['does not find it any more', 'GET', ONE],
  ['does not delete it twice', 'DELETE', ONE],
  create('creates one with a finalizer', sandbox('held', { finalizers: ['example.com/hold'] })),
  ['marks it', 'DELETE', `${ALL}/held`],
  ['marks it once', 'DELETE', `${ALL}/held`],
  create('does not create it anew', sandbox('held')),
  patch('still changes it', { spec: { failurePolicy: 'AutoRecreate' } }, `${ALL}/held`),
  patch('adds no finalizer', { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } }, `${ALL}/held`),
  patch('takes no mark away', { metadata: { deletionTimestamp: null } }, `${ALL}/held`),
  patch('ends it with its finalizer', { metadata: { finalizers: null } }, `${ALL}/held`),
  ['has ended it', 'GET', `${ALL}/held`],
];

export const sandboxWrites: Table = {
  namespace: NAMESPACE,
  rows: [...creates, ...refusals, ...updates, ...patches, ...deletions],
};
