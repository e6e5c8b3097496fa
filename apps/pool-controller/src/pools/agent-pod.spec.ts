import { type SandboxPool, type SandboxPoolSpec } from '@fsb/api/sandbox-pool';
import { agentPod, type AgentSettings, templateHash } from './agent-pod';

const settings: AgentSettings = {
  installation: 'cluster',
  containerdSocket: '/run/containerd/containerd.sock',
  containerdRoot: '/var/lib/containerd',
  agentTlsDir: '/etc/fast-sandbox/agent-tls',
  agentLogDir: '/var/log/fast-sandbox',
  agentRunDir: '/run/fast-sandbox',
  runtimeBinary: '/usr/bin/crun',
  agentWarmContainers: 2,
  agentAllowedRegistries: ['docker.io', 'ghcr.io/owner'],
  agentBuild: '',
  agentRegistryAddresses: '127.0.0.0/8',
  agentPort: 5758,
  agentProbePort: 9091,
};
const pool = (template: Record<string, unknown> = {}, spec: SandboxPoolSpec = {}): SandboxPool => ({
  apiVersion: 'sandbox.fast.io/v1alpha1',
  kind: 'SandboxPool',
  metadata: { name: 'p', namespace: 'n', uid: 'pool-uid' },
  spec: {
    maxSandboxesPerPod: 7,
    agentTemplate: {
      metadata: { labels: { team: 't', app: 'mine' }, annotations: { note: 'x' } },
      spec: {
        containers: [
          { name: 'agent', image: 'i' },
          { name: 'side', image: 's' },
        ],
        ...template,
      },
    },
    ...spec,
  },
});

it('agentPod: has the names, labels and owner of the contract', () => {
  const { metadata } = agentPod(pool(), 'abcde', settings);
  expect(metadata).toEqual({
    name: 'p-agent-abcde',
    generateName: 'p-agent-',
    namespace: 'n',
    labels: { team: 't', app: 'sandbox-agent', 'fast-sandbox.io/pool': 'p' },
    annotations: { note: 'x', 'fast-sandbox.io/template-hash': templateHash(pool(), settings) },
    ownerReferences: [
      {
        ...{ apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'SandboxPool', name: 'p', uid: 'pool-uid' },
        ...{ controller: true, blockOwnerDeletion: true },
      },
    ],
  });
});

it('agentPod: sets the environment of the first container, over that of the template', () => {
  const containers = [
    {
      ...{ name: 'agent', image: 'i', resources: { limits: { memory: '1Gi', cpu: 2, 'ephemeral-storage': '40Gi' } } },
      env: [
        { name: 'MINE', value: '1' },
        { name: 'AGENT_CAPACITY', value: '99' },
      ],
      securityContext: { runAsUser: 0, privileged: false },
    },
  ];
  const [agent] = agentPod(pool({ containers }), 'x', settings).spec!.containers;
  expect(Object.fromEntries(agent!.env!.map(({ name, value, valueFrom }) => [name, value ?? valueFrom]))).toEqual({
    MINE: '1',
    NODE_NAME: { fieldRef: { fieldPath: 'spec.nodeName' } },
    POD_NAME: { fieldRef: { fieldPath: 'metadata.name' } },
    POD_IP: { fieldRef: { fieldPath: 'status.podIP' } },
    POD_UID: { fieldRef: { fieldPath: 'metadata.uid' } },
    NAMESPACE: { fieldRef: { fieldPath: 'metadata.namespace' } },
    AGENT_CAPACITY: '7',
    AGENT_PORT: '5758',
    RUNTIME_TYPE: 'container',
    RUNTIME_SOCKET: '/run/containerd/containerd.sock',
    RUNTIME_BINARY: '/usr/bin/crun',
    INSTALLATION: 'cluster',
    HEALTH_PROBE_BIND_ADDRESS: ':9091',
    METRICS_BIND_ADDRESS: ':9091',
    TLS_DIR: '/etc/fast-sandbox/agent-tls/n.p-agent-x',
    LOG_DIR: '/var/log/fast-sandbox',
    RUN_DIR: '/run/fast-sandbox',
    ALLOWED_REGISTRIES: 'docker.io,ghcr.io/owner',
    REGISTRY_ADDRESSES: '127.0.0.0/8',
    CPU_LIMIT: '2',
    WARM_CONTAINERS: '2',
    MEMORY_LIMIT: '1Gi',
    EPHEMERAL_STORAGE_LIMIT: '40Gi',
  });
  expect(agent!.securityContext).toEqual({ runAsUser: 0, privileged: true });
  expect(agent!.readinessProbe).toMatchObject({ httpGet: { path: '/readyz', port: 9091 } });
});

it.each<[string, SandboxPoolSpec, object[], Record<string, string>]>([
  ['the default without warmImages', {}, [], { WARM_CONTAINERS: '2' }],
  [
    'the default for an image with 0 containers',
    { warmImages: [{ image: 'a', containers: 0 }] },
    [],
    { WARM_CONTAINERS: '2' },
  ],
  [
    'the sum of warmImages if it is larger',
    { warmImages: [{ image: 'a', containers: 2 }, { image: 'b', containers: 1 }] }, // prettier-ignore
    [],
    { WARM_IMAGES: '[{"image":"a","containers":2},{"image":"b","containers":1}]', WARM_CONTAINERS: '3' },
  ],
  [
    "the template's own number",
    { warmImages: [{ image: 'a', containers: 2 }] },
    [{ name: 'WARM_CONTAINERS', value: '9' }],
    { WARM_IMAGES: '[{"image":"a","containers":2}]', WARM_CONTAINERS: '9' },
  ],
])('agentPod: sets standby containers to %s', (_case, spec, env, expected) => {
  const containers = [{ name: 'agent', image: 'i', env }];
  const [agent] = agentPod(pool({ containers }, spec), 'x', settings).spec!.containers;
  const warm = agent!.env!.filter(({ name }) => name.startsWith('WARM_'));
  expect(Object.fromEntries(warm.map(({ name, value }) => [name, value]))).toEqual(expected);
});

it('agentPod: sets 0 standby containers if that is the setting, whatever the pool names', () => {
  const named = pool({}, { warmImages: [{ image: 'a', containers: 2 }] });
  const [agent] = agentPod(named, 'x', { ...settings, agentWarmContainers: 0 }).spec!.containers;
  expect(agent!.env).toContainEqual({ name: 'WARM_CONTAINERS', value: '0' });
});

it('templateHash: differs for other warmImages', () => {
  const hashes = [[], [{ image: 'a', containers: 1 }], [{ image: 'a', containers: 2 }]].map((warmImages) =>
    templateHash(pool({}, { warmImages }), settings),
  );
  expect(new Set(hashes).size).toBe(3);
});

it('agentPod: mounts host folders at their own paths, and shares no host namespace', () => {
  const { spec } = agentPod(pool({ hostNetwork: true, hostPID: true, volumes: [{ name: 'v' }] }), 'x', settings);
  expect(spec).toMatchObject({ hostNetwork: false, hostPID: false, automountServiceAccountToken: false });
  const all = spec!.containers[0]!.volumeMounts!;
  const mounts = all.filter(({ name }) => name !== 'agent-tls');
  expect(mounts.map(({ mountPath }) => mountPath).sort()).toEqual(
    [
      ...['/run/containerd', '/var/lib/containerd', '/sys/fs/cgroup', '/run/netns'],
      ...['/var/log/fast-sandbox', '/run/fast-sandbox'],
    ].sort(),
  );
  expect(mounts.find(({ mountPath }) => mountPath === '/var/lib/containerd')?.mountPropagation).toBe('HostToContainer');
  for (const { name, mountPath } of mounts) {
    expect(spec!.volumes).toContainEqual(
      expect.objectContaining({ name, hostPath: expect.objectContaining({ path: mountPath }) as unknown }),
    );
  }
  expect(spec!.volumes).toContainEqual({ name: 'v' });
  expect(spec!.containers[1]).toEqual({ name: 'side', image: 's' });
});

it('agentPod: mounts its certificate for the agent alone, readable by the owner alone', () => {
  const { spec } = agentPod(pool(), 'x', settings);
  const secret = { secretName: 'p-agent-x-tls', defaultMode: 0o400 };
  expect(spec!.volumes).toContainEqual({ name: 'agent-tls', secret });
  expect(spec!.containers[0]!.volumeMounts).toContainEqual({
    ...{ name: 'agent-tls', mountPath: '/etc/fast-sandbox/agent-tls/n.p-agent-x', readOnly: true },
  });
  expect(spec!.containers[1]!.volumeMounts).toBeUndefined();
});

it('agentPod: mounts a folder once if several settings share it', () => {
  const shared = { ...settings, agentLogDir: '/srv/x', agentRunDir: '/srv/x' };
  const paths = agentPod(pool(), 'x', shared).spec!.containers[0]!.volumeMounts!.map(({ mountPath }) => mountPath);
  expect(paths.filter((path) => path === '/srv/x')).toHaveLength(1);
});

it('templateHash: differs for another template, runtime or number of slots, and for nothing else', () => {
  const before = templateHash(pool(), settings);
  expect(templateHash(pool({}, { capacity: { poolMin: 3 } }), settings)).toBe(before);
  expect(templateHash(pool({}, { maxSandboxesPerPod: 8 }), settings)).not.toBe(before);
  expect(templateHash(pool({}, { runtimeType: 'gvisor' }), settings)).not.toBe(before);
  expect(templateHash(pool({ nodeSelector: { a: 'b' } }), settings)).not.toBe(before);
});

it('templateHash: differs for other settings of the installation that agents depend on', () => {
  const hashes = [
    {},
    { agentWarmContainers: 16 },
    { agentWarmContainers: 0 },
    { otelExporterOtlpEndpoint: 'http://192.0.2.1:4318' },
    { agentAllowedRegistries: ['docker.io'] },
    { agentRegistryAddresses: '10.0.0.0/8' },
    { agentBuild: '0123456789abcdef' },
  ].map((change) => templateHash(pool(), { ...settings, agentWarmContainers: 16, ...change }));
  expect(hashes[1]).toBe(hashes[0]);
  expect(new Set(hashes).size).toBe(6);
});

it('agentPod: has the PriorityClass of the installation, or that of its template', () => {
  const classOf = (template: Record<string, unknown>): unknown =>
    agentPod(pool(template), 'x', { ...settings, agentPriorityClass: 'agents' }).spec!['priorityClassName'];
  expect(classOf({})).toBe('agents');
  expect(classOf({ priorityClassName: 'mine' })).toBe('mine');
});
