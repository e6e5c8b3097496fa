import * as fc from 'fast-check';
import { brokenText, hostileText, mutated, mutationOf } from './hostile';

export interface KubeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

const CUSTOM = '/apis/sandbox.fast.io/v1alpha1/namespaces/default';
const CORE = '/api/v1/namespaces/default';
const template = { spec: { containers: [{ name: 'agent', image: 'a', env: [{ name: 'A', value: 'b' }] }] } };

const SANDBOX = {
  apiVersion: 'sandbox.fast.io/v1alpha1',
  kind: 'Sandbox',
  metadata: { name: 'hostile', namespace: 'default', labels: { team: 'a' }, annotations: { 'a.b/c': 'd' } },
  spec: {
    ...{ image: 'busybox', poolRef: 'nowhere', command: ['/bin/sh'], args: ['-c'], workingDir: '/tmp' },
    envs: [
      { name: 'A', value: 'b' },
      { name: 'B', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
    ],
    ...{ exposedPorts: [8080], consistencyMode: 'strong', failurePolicy: 'Manual', recoveryTimeoutSeconds: 60 },
    ...{ expireTime: '2096-01-01T00:00:00Z', resetRevision: '2026-01-01T00:00:00Z', ttlSecondsAfterFinished: 10 },
    ...{ resources: { cpu: '1', memory: '64Mi' }, imagePullSecrets: [{ name: 's' }] },
    imagePullPolicy: 'Never',
  },
};
const POOL = {
  apiVersion: 'sandbox.fast.io/v1alpha1',
  kind: 'SandboxPool',
  metadata: { name: 'hostile', finalizers: ['a.b/c'], ownerReferences: [] },
  spec: {
    capacity: { poolMin: 0, poolMax: 0, bufferMin: 0, bufferMax: 0 },
    ...{ maxSandboxesPerPod: 5, runtimeType: 'container', warmImages: [{ image: 'busybox', containers: 1 }] },
    ...{ sandboxDefaults: { resources: { cpu: '1' } }, imagePullSecrets: [{ name: 's' }], agentTemplate: template },
    allowedRegistries: ['docker.io'],
  },
};
const POD = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'hostile' }, ...template };
const CONFIG_MAP = {
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'hostile', generateName: 'a-' } },
  data: { a: 'b' },
};
const SECRET = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'hostile' }, type: 'Opaque', data: { a: 'Yg==' } };
const LEASE = {
  ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'hostile' } },
  spec: { holderIdentity: 'a', leaseDurationSeconds: 10, renewTime: '2026-01-01T00:00:00.000000Z' },
};

/** A collection of each kind, with an object that may be created in it. */
const KINDS = [
  { path: `${CUSTOM}/sandboxes`, base: SANDBOX },
  { path: `${CUSTOM}/sandboxpools`, base: POOL },
  { path: `${CORE}/pods`, base: POD },
  { path: `${CORE}/configmaps`, base: CONFIG_MAP },
  { path: `${CORE}/secrets`, base: SECRET },
  { path: '/apis/coordination.k8s.io/v1/namespaces/default/leases', base: LEASE },
] as const;
/** Stored objects as targets of dryRun changes, which never take effect. */
export const VICTIMS = KINDS.map(({ path, base }) => ({
  path,
  object: { ...base, metadata: { ...base.metadata, name: 'victim' } },
}));

const ACCESS = {
  kind: 'SubjectAccessReview',
  spec: { user: 'tenant', groups: ['a'], resourceAttributes: { verb: 'get', resource: 'sandboxes' } },
};
const POSTED = [
  { path: '/apis/authorization.k8s.io/v1/subjectaccessreviews', base: ACCESS },
  { path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', base: ACCESS },
  { path: '/apis/authentication.k8s.io/v1/tokenreviews', base: { kind: 'TokenReview', spec: { token: 'a' } } },
  { path: `${CORE}/pods/nobody/binding`, base: { target: { kind: 'Node', name: 'a' } } },
] as const;

const JSON_TYPE = { 'content-type': 'application/json' };

/** Creates with one hostile field and dryRun: everything is checked, nothing is stored. */
export const dryCreates: fc.Arbitrary<KubeRequest> = fc.constantFrom(...KINDS).chain(({ path, base }) =>
  fc.tuple(mutationOf(base), fc.constantFrom('', 'Strict', 'Warn', 'Ignore')).map(([mutation, validation]) => ({
    ...{ method: 'POST', path: `${path}?dryRun=All&fieldValidation=${validation}`, headers: JSON_TYPE },
    body: mutated(base, mutation),
  })),
);

/** The same for one kind, but stored. */
const storedCreates = ({ path, base }: (typeof KINDS)[number]): fc.Arbitrary<KubeRequest> =>
  mutationOf(base).map((mutation) => ({ method: 'POST', path, headers: JSON_TYPE, body: mutated(base, mutation) }));
export const sandboxCreates = storedCreates(KINDS[0]);
export const poolCreates = storedCreates(KINDS[1]);

const OPERATIONS = [
  { op: 'add', path: '/metadata/labels', value: { a: 'b' } },
  { op: 'replace', path: '/metadata/name', value: 'a' },
  { op: 'move', from: '/metadata', path: '/spec' },
  { op: 'copy', from: '/metadata', path: '/metadata/annotations' },
  { op: 'test', path: '/kind', value: 'Pod' },
  { op: 'remove', path: '/metadata/uid' },
  { op: 'add', path: '/__proto__/polluted', value: 1 },
  { op: 'add', path: '/constructor/prototype/polluted', value: 1 },
  { op: 'add', path: '/hasOwnProperty/call', value: 1 },
  { op: 'replace', path: '/metadata/finalizers/length', value: 4_294_967_295 },
];

/** Updates and patches of every type, applied to the victims with dryRun. */
export const dryChanges: fc.Arbitrary<KubeRequest> = fc
  .tuple(fc.constantFrom(...VICTIMS), fc.constantFrom('', '/status'))
  .chain(([{ path, object }, subresource]) => {
    const at = `${path}/victim${subresource}?dryRun=All`;
    const request = (method: string, type: string, body: fc.Arbitrary<string>): fc.Arbitrary<KubeRequest> =>
      body.map((text) => ({ method, path: at, headers: { 'content-type': `application/${type}` }, body: text }));
    const changed = mutationOf(object).map((mutation) => mutated(object, mutation));
    const operations = mutationOf({ list: OPERATIONS })
      .filter(({ path: steps }) => steps.length > 1)
      .map((mutation) => mutated({ list: OPERATIONS }, mutation).slice('{"list":'.length, -1));
    return fc.oneof(
      request('PUT', 'json', changed),
      request('PATCH', 'merge-patch+json', changed),
      request('PATCH', 'strategic-merge-patch+json', changed),
      request('PATCH', 'json-patch+json', operations),
    );
  });

const DELETE_OPTIONS = {
  ...{ gracePeriodSeconds: 0, propagationPolicy: 'Background', orphanDependents: false, dryRun: ['All'] },
  preconditions: { uid: 'a', resourceVersion: '1' },
};

/** Reviews and bindings, and delete options for an absent object. */
export const questions: fc.Arbitrary<KubeRequest> = fc.oneof(
  fc
    .constantFrom(...POSTED)
    .chain(({ path, base }) =>
      mutationOf(base).map((mutation) => ({ method: 'POST', path, headers: JSON_TYPE, body: mutated(base, mutation) })),
    ),
  mutationOf(DELETE_OPTIONS).map((mutation) => ({
    ...{ method: 'DELETE', path: `${CORE}/configmaps/nobody`, headers: JSON_TYPE },
    body: mutated(DELETE_OPTIONS, mutation),
  })),
);

const QUERY = ['labelSelector', 'fieldSelector', 'limit', 'continue', 'resourceVersion', 'resourceVersionMatch'];
QUERY.push('watch', 'timeoutSeconds', 'sendInitialEvents', 'allowWatchBookmarks', 'includeObject', 'dryRun', 'pretty');
QUERY.push('follow', 'tailLines', 'sinceSeconds', 'container', 'previous', 'limitBytes', 'timestamps', 'sinceTime');
const SELECTORS = ['a=b', 'a in (b,c)', '!a', 'a', 'metadata.name=a', `a in (${','.repeat(3_000)}`, '('.repeat(4_000)];
const segment = fc.oneof(
  hostileText.filter((text) => text.length < 4_000).map(encodeURIComponentSafely),
  fc.constantFrom('a', '%', '%ff', '..', ''),
);

/** Reads with hostile names, queries and headers. */
export const reads: fc.Arbitrary<KubeRequest> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'DELETE', 'POST', 'PUT', 'PATCH', 'OPTIONS'),
  path: fc
    .tuple(
      fc.oneof(
        fc.constantFrom(...KINDS.map(({ path }) => path), '/openapi/v2', '/openapi/v3', '/version', '/api', '/apis'),
        fc.constantFrom(`${CORE}/pods/victim/log`, `${CORE}/pods/nobody/log`),
        fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`),
        fc.tuple(fc.constantFrom(...KINDS), segment).map(([{ path }, name]) => `${path}/${name}`),
      ),
      fc.dictionary(
        fc.constantFrom(...QUERY),
        fc.oneof(
          hostileText.filter((text) => text.length < 4_000),
          fc.constantFrom(...SELECTORS),
        ),
        { maxKeys: 3, noNullPrototype: true },
      ),
    )
    .map(
      ([path, query]) =>
        `${path}?${Object.entries(query)
          .map(([key, value]) => `${key}=${encodeURIComponentSafely(value)}`)
          .join('&')}`,
    ),
  headers: fc.dictionary(
    fc.constantFrom('accept', 'content-type', 'authorization', 'impersonate-user', 'accept-encoding', 'x-a'),
    hostileText.filter((text) => /^[\x20-\x7e]*$/.test(text) && text.length < 4_000),
    { maxKeys: 2, noNullPrototype: true },
  ),
  body: fc.constant(undefined),
});

/** Broken bodies in every media type. */
export const brokenBodies: fc.Arbitrary<KubeRequest> = fc
  .tuple(
    fc.constantFrom(
      'json',
      'yaml',
      'vnd.kubernetes.protobuf',
      'merge-patch+json',
      'json-patch+json',
      'apply-patch+yaml',
    ),
    fc.constantFrom(...KINDS),
    fc.oneof(
      brokenText,
      brokenText.map((text) => `k8s\0${text}`),
      fc.constantFrom(...yamlBombs()),
    ),
  )
  .map(([type, { path }, body]) => {
    const [method, at] = type.includes('patch') ? ['PATCH', `${path}/victim`] : ['POST', path];
    return { method, path: `${at}?dryRun=All`, headers: { 'content-type': `application/${type}` }, body };
  });

/** Billion-laughs aliases, and YAML features that build objects. */
function yamlBombs(): string[] {
  const levels = Array.from(
    { length: 9 },
    (_, level) => `b${level + 1}: &b${level + 1} [${`*b${level},`.repeat(9)}*b${level}]`,
  );
  return [
    ['b0: &b0 lol', ...levels].join('\n'),
    ...[
      'a: &a [*a]',
      '!!js/function "x"',
      '? {}\n: 1',
      '<<: {a: 1}',
      '--- a\n--- b',
      '%YAML 9.9\n---\na: 1',
      'a: !!binary "//"',
    ],
  ];
}

/** Like encodeURIComponent, but also for lone surrogates. */
function encodeURIComponentSafely(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}
