import * as fc from 'fast-check';
import { type Json } from '../../apps/standalone/src/apiserver/kube-object';

const GROUP = '/apis/sandbox.fast.io/v1alpha1/namespaces/default';
const SANDBOXES = `${GROUP}/sandboxes`;
const PODS = '/api/v1/namespaces/default/pods';
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const REVIEW = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const MIB = 1024 * 1024;

export interface LargeRequest {
  readonly method: 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly type: string;
  /** content and size of the body, for the report of a failure */
  readonly shape: string;
  readonly bytes: number;
}

function sandbox(name: string, metadata: object, spec: object): Json {
  const base = { apiVersion: 'sandbox.fast.io/v1alpha1', kind: 'Sandbox', metadata: { name, ...metadata } };
  return { ...base, spec: { image: 'a', poolRef: 'nowhere', ...spec } };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const words = (count: number): string[] => numbers(count).map((n) => `w${n}`);
const owner = (n: number): Json => ({ apiVersion: 'v1', kind: 'Pod', name: `w${n}`, uid: `w${n}` });
const LISTED = 30_000;
const MEDIUM = 1_500;

/** Stored objects of maximum size, as targets of patches. */
export const VICTIMS: readonly (readonly [string, Json])[] = [
  [SANDBOXES, sandbox('large-args', {}, { args: words(LISTED) })],
  [SANDBOXES, sandbox('medium-args', {}, { args: words(MEDIUM) })],
  [SANDBOXES, sandbox('large-meta', { finalizers: words(LISTED).map((word) => `a.b/${word}`) }, {})],
  [SANDBOXES, sandbox('large-owners', { ownerReferences: numbers(10_000).map(owner) }, {})],
  [
    PODS,
    { metadata: { name: 'large-pod' }, spec: { containers: words(LISTED / 2).map((name) => ({ name, image: 'a' })) } },
  ],
];

const repeated = (unit: string, bytes: number): string => unit.repeat(Math.ceil(bytes / unit.length)).slice(0, bytes);
const listed = (bytes: number, item: (n: number) => string): string => {
  const size = item(10_000).length + 1;
  return numbers(Math.floor(bytes / size))
    .map(item)
    .join(',');
};
const around = (before: string, inner: string, after: string): string => before + inner + after;
const object = (bytes: number, metadata: string, spec: string, item: (n: number) => string): string =>
  around(
    `{"apiVersion":"sandbox.fast.io/v1alpha1","kind":"Sandbox","metadata":{"name":"large"${metadata}`,
    listed(bytes, item),
    `${metadata === '' ? '' : metadata.includes('[') ? ']' : '}'}},"spec":{"image":"a","poolRef":"b"${spec}`,
  );

/** JSON texts of about `bytes` bytes, by shape. */
const JSON_SHAPES: Readonly<Record<string, (bytes: number) => string>> = {
  brackets: (bytes) => repeated('[', bytes),
  'closed brackets': (bytes) => repeated('[', bytes / 2) + repeated(']', bytes / 2),
  'nested maps': (bytes) => repeated('{"a":', bytes),
  'closed nested maps': (bytes) => `${'{"a":'.repeat(bytes / 6)}1${'}'.repeat(bytes / 6)}`,
  keys: (bytes) => `{${listed(bytes, (n) => `"k${n}":1`)}}`,
  'numbers as keys': (bytes) => `{${listed(bytes, (n) => `"${n * 7}":1`)}}`,
  'the same key': (bytes) => `{${listed(bytes, () => `"k":1`)}}`,
  nothing: (bytes) => `[${listed(bytes, () => '{}')}]`,
  'one text': (bytes) => `{"a":"${repeated('a', bytes)}"}`,
  escapes: (bytes) => `{"a":"${'\\u0000'.repeat(bytes / 6)}"}`,
  quotes: (bytes) => `{"a":"${'\\"'.repeat(bytes / 2)}"}`,
  'one number': (bytes) => `{"a":${repeated('9', bytes)}}`,
  spaces: (bytes) => `{${repeated(' ', bytes)}}`,
  labels: (bytes) => `${object(bytes, ',"labels":{', '', (n) => `"l${n}":"v"`)}}}`,
  'labels that are none': (bytes) => `${object(bytes, ',"labels":{', '', (n) => `"-${n}":"-"`)}}}`,
  annotations: (bytes) => `${object(bytes, ',"annotations":{', '', (n) => `"l${n}":"v"`)}}}`,
  finalizers: (bytes) => `${object(bytes, ',"finalizers":[', '', (n) => `"a.b/${n}"`)}}}`,
  owners: (bytes) => `${object(bytes, ',"ownerReferences":[', '', (n) => JSON.stringify(owner(n)))}}}`,
  'unknown fields': (bytes) => `${object(0, '', ',', String).replace(/\}$/, '')}${listed(bytes, (n) => `"u${n}":1`)}}}`,
  args: (bytes) => `${object(0, '', ',"args":[', String)}${listed(bytes, (n) => `"a${n}"`)}]}}`,
  'ports that are none': (bytes) =>
    `${object(0, '', ',"exposedPorts":[', String)}${listed(bytes, (n) => `"p${n}"`)}]}}`,
  envs: (bytes) => `${object(0, '', ',"envs":[', String)}${listed(bytes, (n) => `{"name":"A${n}","value":"b"}`)}]}}`,
  'a quantity': (bytes) => `${object(0, '', ',"resources":{"cpu":"', String)}${repeated('1', bytes)}"}}}`,
  'a time': (bytes) => `${object(0, '', ',"expireTime":"', String)}${repeated('2026-', bytes)}"}}`,
  'a name': (bytes) => JSON.stringify(sandbox(repeated('a.', bytes), {}, {})),
};

const PATCHES: Readonly<Record<string, (bytes: number) => string>> = {
  'additions in front': () => operations('add', '/spec/args/0', '"a"', 10_000),
  'moves to the front': () =>
    `[${listed(500_000, () => '{"op":"move","from":"/spec/args/20000","path":"/spec/args/0"}')}]`,
  'tests of a list': (bytes) => `[{"op":"test","path":"/spec/args","value":[${listed(bytes, (n) => `"x${n}"`)}]}]`,
  'tests of the same list': () =>
    `[{"op":"test","path":"/spec/args","value":${JSON.stringify(words(MEDIUM).reverse())}}]`,
  'many tests': () => operations('test', '/spec/args', '[]', 10_000),
  copies: () => `[${listed(500_000, () => '{"op":"copy","from":"/spec/args","path":"/spec/command"}')}]`,
  removals: () => `[${listed(400_000, () => '{"op":"remove","path":"/spec/args/0"}')}]`,
  'a deep pointer': (bytes) => `[{"op":"add","path":"${repeated('/a', bytes)}","value":1}]`,
};

const MERGES: Readonly<Record<string, (bytes: number) => string>> = {
  nulls: (bytes) => `{"spec":{${listed(bytes, (n) => `"n${n}":null`)}}}`,
  containers: (bytes) => `{"spec":{"containers":[${listed(bytes, (n) => `{"name":"c${n}","image":"b"}`)}]}}`,
  'containers that are there': () =>
    `{"spec":{"containers":[${listed(400_000, (n) => `{"name":"w${n}","image":"b"}`)}]}}`,
  'containers taken out': () =>
    `{"spec":{"containers":[${listed(600_000, (n) => `{"name":"w${n}","$patch":"delete"}`)}]}}`,
  finalizers: (bytes) => `{"metadata":{"finalizers":[${listed(bytes, (n) => `"a.b/x${n}"`)}]}}`,
  owners: (bytes) => `{"metadata":{"ownerReferences":[${listed(bytes, (n) => JSON.stringify(owner(n + 50_000)))}]}}`,
};

const YAML_SHAPES: Readonly<Record<string, (bytes: number) => string>> = {
  'lines of a map': (bytes) =>
    numbers(bytes / 12)
      .map((n) => `k${n}: v`)
      .join('\n'),
  'a list in one line': (bytes) => `[${repeated('a,', bytes)}]`,
  'commas alone': (bytes) => `[${repeated(',', bytes)}`,
  'a map in one line': (bytes) => `{${listed(bytes, (n) => `k${n}: v`)}}`,
  brackets: (bytes) => repeated('[', bytes),
  'nested maps': (bytes) => repeated('{a: ', bytes),
  'lists of lists': (bytes) => repeated('- ', bytes),
  'maps as keys': (bytes) => repeated('? {a: 1}\n: 1\n', bytes),
  questions: (bytes) => repeated('? ', bytes),
  anchors: (bytes) => `[${listed(bytes, (n) => `&a${n} b`)}]`,
  aliases: (bytes) =>
    numbers(bytes / 16)
      .map((n) => `- &a${n} b\n- *a${n}`)
      .join('\n'),
  tags: (bytes) => repeated('!a ', bytes),
  directives: (bytes) => repeated('%Y\n', bytes),
  documents: (bytes) => repeated('---\n', bytes),
  comments: (bytes) => repeated('#\n', bytes),
  'empty lines': (bytes) => repeated('\n', bytes),
  'a quoted text': (bytes) => `"${repeated('a\n', bytes)}"`,
  'a block': (bytes) => `|\n${repeated(' a\n', bytes)}`,
  indents: (bytes) =>
    numbers(Math.sqrt(bytes * 2))
      .map((n) => `${' '.repeat(n)}a:`)
      .join('\n'),
  'ends of maps': (bytes) => repeated('} ', bytes),
};

function operations(op: string, path: string, value: string, count: number): string {
  return `[${numbers(count)
    .map(() => `{"op":"${op}","path":"${path}","value":${value}}`)
    .join(',')}]`;
}

const DRY = '?dryRun=All&fieldValidation=Ignore';
const VICTIM_PATHS = VICTIMS.map(([path, { metadata }]) => `${path}/${String((metadata as Json)['name'])}${DRY}`);

function requests(
  methods: readonly LargeRequest['method'][],
  paths: readonly string[],
  types: readonly string[],
  shapes: Readonly<Record<string, unknown>>,
): Omit<LargeRequest, 'bytes'>[] {
  return methods.flatMap((method) =>
    paths.flatMap((path) =>
      types.flatMap((type) => Object.keys(shapes).map((shape) => ({ method, path, type, shape }))),
    ),
  );
}

const JSON_TYPE = 'application/json';
const MERGE = ['application/merge-patch+json', 'application/strategic-merge-patch+json'];
const ALL: readonly Omit<LargeRequest, 'bytes'>[] = [
  ...requests(['POST'], [`${SANDBOXES}${DRY}`, REVIEW, `${CONFIG_MAPS}${DRY}`], [JSON_TYPE], JSON_SHAPES),
  ...requests(['POST'], [`${SANDBOXES}${DRY}`, REVIEW], ['application/yaml'], YAML_SHAPES),
  ...requests(['DELETE'], [`${CONFIG_MAPS}/nobody`], [JSON_TYPE], JSON_SHAPES),
  ...requests(['PATCH'], VICTIM_PATHS, ['application/json-patch+json'], PATCHES),
  ...requests(['PATCH'], VICTIM_PATHS, MERGE, MERGES),
];

/** Bodies from 16 KiB to the size that is refused by its length alone. */
export const largeRequests: fc.Arbitrary<LargeRequest> = fc
  .tuple(fc.constantFrom(...ALL), fc.constantFrom(16 * 1024, 63 * 1024, MIB / 2, MIB, 2.9 * MIB))
  .map(([request, bytes]) => ({ ...request, bytes: Math.floor(bytes) }));

const worst = (
  method: LargeRequest['method'],
  path: string,
  type: string,
  shape: string,
  bytes: number,
): LargeRequest => ({
  ...{ method, path, type: `application/${type}`, shape, bytes },
});

/** Requests that once blocked the event loop for seconds or minutes. */
export const WORST: readonly LargeRequest[] = [
  worst('POST', `${SANDBOXES}${DRY}`, 'yaml', 'lines of a map', 2.9 * MIB),
  worst('POST', REVIEW, 'yaml', 'a list in one line', 2.9 * MIB),
  worst('POST', `${SANDBOXES}${DRY}`, 'yaml', 'brackets', 200_000),
  worst('POST', REVIEW, 'yaml', 'commas alone', 63 * 1024),
  worst('POST', REVIEW, 'yaml', 'lines of a map', 63 * 1024),
  worst('POST', REVIEW, 'json', 'closed brackets', 2.9 * MIB),
  worst('PATCH', `${SANDBOXES}/medium-args${DRY}`, 'json-patch+json', 'tests of the same list', MIB),
  worst('PATCH', `${SANDBOXES}/large-args${DRY}`, 'json-patch+json', 'additions in front', MIB),
  worst('PATCH', `${PODS}/large-pod${DRY}`, 'strategic-merge-patch+json', 'containers', 0.9 * MIB),
];

export function bodyOf({ type, shape, bytes }: LargeRequest): string {
  const shapes =
    type === 'application/yaml'
      ? YAML_SHAPES
      : type === 'application/json-patch+json'
        ? PATCHES
        : MERGE.includes(type)
          ? MERGES
          : JSON_SHAPES;
  return shapes[shape]?.(bytes) ?? '';
}
