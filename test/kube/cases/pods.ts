import { type Json } from '../../../apps/standalone/src/apiserver/kube-object';
import { AS_TABLE, changed, JSON_PATCH, MERGE, type Row, STRATEGIC, type Table } from '../row';

const NAMESPACE = 'pods';
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const NODES = '/api/v1/nodes';

/** A Pod of a scheduler that does not exist, so that only the requests bind it. */
const pod = (name: string, spec: object = {}, metadata: object = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...metadata },
  spec: {
    schedulerName: 'nobody',
    automountServiceAccountToken: false,
    containers: [{ name: 'a', image: 'a' }],
    ...spec,
  },
});
const post = (name: string, body: unknown, path = PODS): Row => [name, 'POST', { path, body }];
const patch = (name: string, body: unknown, path = `${PODS}/one`, headers = STRATEGIC): Row => [
  name,
  'PATCH',
  { path, body, headers },
];

const pods: Row[] = [
  post('creates a Pod with its defaults', pod('one', {}, { labels: { app: 'agent' } })),
  post(
    'creates a Pod with everything an agent has',
    pod('agent', {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 7,
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ operator: 'Exists' }],
      hostNetwork: true,
      volumes: [
        { name: 'run', hostPath: { path: '/run', type: 'Directory' } },
        { name: 'empty', emptyDir: {} },
      ],
      containers: [
        {
          name: 'agent',
          image: 'example.com/agent:1',
          env: [
            { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            { name: 'A', value: 'b' },
          ],
          ports: [{ name: 'http', containerPort: 5758 }],
          resources: { limits: { cpu: '1', memory: '64Mi' } },
          readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
          securityContext: { privileged: true },
          volumeMounts: [{ name: 'run', mountPath: '/run' }],
        },
      ],
    }),
  ),
  post('refuses a Pod without containers', pod('bad', { containers: [] })),
  post('refuses a Pod without spec', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bad' } }),
  post('refuses a container without image', pod('bad', { containers: [{ name: 'a' }] })),
  post(
    'refuses two containers of one name',
    pod('bad', {
      containers: [
        { name: 'a', image: 'a' },
        { name: 'a', image: 'b' },
      ],
    }),
  ),
  post('refuses an invalid container name', pod('bad', { containers: [{ name: 'A_B', image: 'a' }] })),
  post('refuses an unknown restart policy', pod('bad', { restartPolicy: 'Sometimes' })),
  post(
    'refuses an invalid quantity',
    pod('bad', { containers: [{ name: 'a', image: 'a', resources: { limits: { cpu: 'much' } } }] }),
  ),
  post(
    'refuses text for a port',
    pod('bad', { containers: [{ name: 'a', image: 'a', ports: [{ containerPort: 'http' }] }] }),
  ),
  ['reads the Pod', 'GET', `${PODS}/one`],
  patch('labels the Pod', { metadata: { labels: { tier: 'front' } } }),
  patch('changes a container’s image by its name', { spec: { containers: [{ name: 'a', image: 'b' }] } }),
  patch('refuses a changed command', { spec: { containers: [{ name: 'a', command: ['b'] }] } }),
  patch('refuses a changed node', { spec: { nodeName: 'n' } }, `${PODS}/one`, MERGE),
  patch(
    'patches its status',
    { status: { phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] } },
    `${PODS}/one/status`,
  ),
  patch(
    'adds a condition by its type',
    { status: { conditions: [{ type: 'Initialized', status: 'True' }] } },
    `${PODS}/one/status`,
  ),
  patch(
    'removes a condition by its type',
    { status: { conditions: [{ type: 'Initialized', $patch: 'delete' }] } },
    `${PODS}/one/status`,
  ),
  patch('ignores a status in a patch of the Pod', { status: { phase: 'Failed' } }),
  patch(
    'annotates by JSON patch',
    [{ op: 'add', path: '/metadata/annotations', value: { a: 'b' } }],
    `${PODS}/one`,
    JSON_PATCH,
  ),
  [
    'updates a Pod without a resourceVersion',
    'PUT',
    (before) => ({
      path: `${PODS}/one`,
      body: changed(before('annotates by JSON patch'), { resourceVersion: undefined, labels: { app: 'agent' } }),
    }),
  ],
  ['selects Pods by phase', 'GET', `${PODS}?fieldSelector=status.phase%3DRunning`],
  ['selects Pods by address', 'GET', `${PODS}?fieldSelector=status.podIP%3D10.0.0.1`],
  ['selects no Pods by image', 'GET', `${PODS}?fieldSelector=spec.image%3Da`],
  ['shows a table of Pods', 'GET', { path: `${PODS}?labelSelector=app%3Dagent`, headers: AS_TABLE }],
  [
    'binds a Pod',
    'POST',
    {
      path: `${PODS}/one/binding`,
      body: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'one' }, target: { kind: 'Node', name: 'nowhere' } },
    },
  ],
  [
    'refuses to bind it twice',
    'POST',
    {
      path: `${PODS}/one/binding`,
      body: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'one' }, target: { kind: 'Node', name: 'other' } },
    },
  ],
  ['selects Pods by node', 'GET', `${PODS}?fieldSelector=spec.nodeName%3Dnowhere`],
  ['deletes a bound Pod with its grace period', 'DELETE', `${PODS}/one`],
  ['shortens the grace period', 'DELETE', `${PODS}/one?gracePeriodSeconds=3`],
  ['does not lengthen the grace period', 'DELETE', `${PODS}/one?gracePeriodSeconds=20`],
  [
    'refuses a deletion with another uid',
    'DELETE',
    {
      path: `${PODS}/one`,
      body: { gracePeriodSeconds: 0, preconditions: { uid: '11111111-2222-3333-4444-555555555555' } },
    },
  ],
  [
    'deletes it without a grace period, as its node does',
    'DELETE',
    { path: `${PODS}/one`, body: { gracePeriodSeconds: 0 } },
  ],
  ['has removed it', 'GET', `${PODS}/one`],
  ['deletes an unbound Pod at once', 'DELETE', `${PODS}/agent`],
  post('creates a Pod on a node', pod('placed', { nodeName: 'nowhere' })),
  patch('sets its phase to Succeeded', { status: { phase: 'Succeeded' } }, `${PODS}/placed/status`),
  ['deletes a finished Pod at once', 'DELETE', `${PODS}/placed`],
  ['has no Pods left', 'GET', PODS],
];

/** A node without the fields that the controllers of a real cluster write. */
function plainNode({ metadata, status, ...rest }: Json): unknown {
  const { name, labels } = (metadata ?? {}) as Json;
  const { conditions, capacity } = (status ?? {}) as Json;
  const { unschedulable } = (rest['spec'] ?? {}) as Json;
  return { name, labels, unschedulable, conditions, capacity };
}

const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'here', labels: { zone: 'a' } } };
const ready = {
  type: 'Ready',
  status: 'True',
  reason: 'Test',
  message: '',
  lastTransitionTime: '2030-01-01T00:00:00Z',
  lastHeartbeatTime: '2030-01-01T00:00:00Z',
};

const nodes: Row[] = [
  [
    'registers a node',
    'POST',
    { path: NODES, body: { ...node, status: { capacity: { cpu: '2', memory: '1Gi', pods: '10' } } } },
    { view: plainNode },
  ],
  ['refuses to register it twice', 'POST', { path: NODES, body: node }],
  [
    'sets its condition',
    'PATCH',
    { path: `${NODES}/here/status`, body: { status: { conditions: [ready] } }, headers: STRATEGIC },
    { view: plainNode },
  ],
  [
    'cordons it',
    'PATCH',
    { path: `${NODES}/here`, body: { spec: { unschedulable: true } }, headers: STRATEGIC },
    { view: plainNode },
  ],
  [
    'uncordons it',
    'PATCH',
    { path: `${NODES}/here`, body: { spec: { unschedulable: null } }, headers: STRATEGIC },
    { view: plainNode },
  ],
  ['selects nodes', 'GET', `${NODES}?fieldSelector=metadata.name%3Dnone`],
  ['deletes the node', 'DELETE', `${NODES}/here`],
];

export const podsAndNodes: Table = { namespace: NAMESPACE, rows: [...pods, ...nodes] };
