import * as fc from 'fast-check';

const TEXTS = [
  ...['', ' ', '.', '..', '/', '\\', '-', '\0', 'a\0b', '\n', 'a\r\nx-injected: 1', '\u001b[2J', '%s%n%00', '${HOME}'],
  ...[
    '../../etc/passwd',
    '/proc/self/environ',
    'file:///etc/passwd',
    '; rm -rf /',
    "' or 1=1 --",
    '<script>',
    '{{7*7}}',
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'length', 'null', 'undefined'],
  ...['NaN', 'Infinity', '-1', '1e999', '0x10', '١٢', '\u202eabc', '\ufeff', 'ﬀ', 'İ', '💥', '\ud800', '\udfffx', 'ａ'],
  ...['busybox', 'default', 'a/b', 'a.b', 'A', '0', '2026-13-45T99:99:99Z', '500m', '64Mi', '-1Gi', '9E', '1e400'],
];
/** Lengths on both sides of every limit: names, labels, single strings of execve. */
const LENGTHS = [33, 63, 64, 128, 129, 253, 254, 4_096, 65_536, 131_071, 131_072, 200_000];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 300 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('a', '-', '.', 'a.', '0', ' ', '\\', '"', '💥', '('), fc.constantFrom(...LENGTHS))
      .map(([unit, length]) => unit.repeat(Math.ceil(length / unit.length))),
  },
);

const NUMBERS = [
  '0',
  '-0',
  '-1',
  '1',
  '0.5',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '-2147483648',
  '4294967296',
];
NUMBERS.push('9007199254740993', '9223372036854775807', '-9223372036854775808', '1e308', '1e400', '-1e400', '1E-400');

const nested = fc
  .tuple(fc.constantFrom(['[', ']'], ['{"a":', '}'], ['{"__proto__":', '}']), fc.constantFrom(2, 50, 1_000, 20_000))
  .map(([[open = '', close = ''], depth]) => `${open.repeat(depth)}1${close.repeat(depth)}`);

/** JSON as text, so that it can be what no JavaScript object can: duplicate keys, endless numbers. */
const hostileJson: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: hostileText.map((text) => JSON.stringify(text)) },
  { weight: 4, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 3, arbitrary: fc.constantFrom('null', 'true', 'false', '[]', '{}', '""', '[null]', '[[]]', '[{}]') },
  { weight: 2, arbitrary: fc.json({ maxDepth: 4 }) },
  { weight: 1, arbitrary: nested },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('1', '"a"', '{}', 'null', '{"name":"a"}'), fc.constantFrom(2, 101, 5_000))
      .map(([item, count]) => `[${Array.from({ length: count }, () => item).join(',')}]`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}'],
      ...['{"a":1,"a":2}', '{"":""}', '{"a b":{"c/d~e":1}}', '{"toString":1,"then":2,"length":-1}'],
    ),
  },
);

/** Text that is not JSON, mixed with hostile JSON. */
export const brokenText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom('', '{', '{"a":', '[1,', '"', "{'a':1}", '{"a":1}}', 'NaN', '\ufeff{}', '{"a":01}', '{"a":"\\ud8"}'),
  hostileJson,
);

type Step = string | number;
const PLACE = 'here-comes-what-is-hostile';

/** One change of an otherwise valid request. */
export interface Mutation {
  readonly path: readonly Step[];
  readonly how: 'replace' | 'add' | 'twice' | 'drop';
  readonly json: string;
}

/** @param base a valid object; each of its fields, at every depth, is mutated */
export function mutationOf(base: object): fc.Arbitrary<Mutation> {
  return fc.record({
    path: fc.constantFrom(...pathsOf(base)),
    how: fc.oneof(
      { weight: 6, arbitrary: fc.constant('replace' as const) },
      { weight: 1, arbitrary: fc.constantFrom('add' as const, 'twice' as const, 'drop' as const) },
    ),
    json: hostileJson,
  });
}

/** @returns the mutated object as JSON */
export function mutated(base: object, { path, how, json }: Mutation): string {
  const copy = structuredClone(base) as Record<Step, unknown>;
  const parent = path.slice(0, -1).reduce((at, step) => at[step] as Record<Step, unknown>, copy);
  const last = path.at(-1) ?? '';
  const before = JSON.stringify(parent[last]);
  if (how === 'drop') {
    Reflect.deleteProperty(parent, last);
    return JSON.stringify(copy);
  }
  const key = how === 'add' && !Array.isArray(parent) ? PLACE : last;
  parent[key] = PLACE;
  const text = JSON.stringify(copy);
  if (how === 'add' && key === PLACE)
    return text.replace(`"${PLACE}":"${PLACE}"`, () => `"__proto__":${json},"extra":1`);
  const twice = how === 'twice' && typeof last === 'string' ? `${before},${JSON.stringify(last)}:` : '';
  return text.replace(`"${PLACE}"`, () => twice + json);
}

function pathsOf(value: object, before: readonly Step[] = []): Step[][] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    const path = [...before, Array.isArray(value) ? Number(name) : name];
    return typeof inner === 'object' && inner !== null ? [path, ...pathsOf(inner, path)] : [path];
  });
}
