import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { fieldAt, isJson, type Json } from '../kube-object';
import { loadCustomResources } from '../resources/custom';
import { compileRule } from './rule-expression';
import { SchemaRules } from './schema-rules';

const CRDS = resolve(__dirname, '../../../../../k8s/crds');
/** Fields of a Sandbox's spec that may change. */
const CHANGEABLE = [
  'expireTime',
  'failurePolicy',
  'recoveryTimeoutSeconds',
  'resetRevision',
  'ttlSecondsAfterFinished',
];
const EXAMPLES: Readonly<Record<string, unknown>> = {
  array: ['a'],
  object: { cpu: '1' },
  integer: 1,
  string: 'a',
  boolean: true,
};

const document = parse(readFileSync(join(CRDS, 'sandboxes.yaml'), 'utf8')) as Json;
const schema = ((fieldAt(document, ['spec', 'versions']) as Json[])[0]!['schema'] as Json)['openAPIV3Schema'] as Json;
const fields = Object.entries(fieldAt(schema, ['properties', 'spec', 'properties']) as Record<string, Json>);

describe('SchemaRules of the Sandbox CRD', () => {
  const rules = SchemaRules.of(schema);
  const base = { image: 'i', poolRef: 'p' };

  it.each(fields)('spec.%s: is immutable unless it is listed as changeable', (name, { type }) => {
    const value = EXAMPLES[String(type)];
    expect(value).toBeDefined();
    const without = { spec: Object.fromEntries(Object.entries(base).filter(([key]) => key !== name)) };
    const [one, other] = [{ spec: { ...base, [name]: value } }, { spec: { ...base, [name]: another(value) } }];
    const expected = CHANGEABLE.includes(name) ? [] : [expect.objectContaining({ field: `spec.${name}` })];
    expect(rules.causes(other, one)).toEqual(expected);
    expect(rules.causes(one, one)).toEqual([]);
    expect(rules.causes(one, undefined)).toEqual([]);
    if (name in base) return;
    expect(rules.causes(one, without)).toEqual(expected);
    expect(rules.causes(without, one)).toEqual(expected);
  });
});

function another(value: unknown): unknown {
  if (Array.isArray(value)) return ['b'];
  if (isJson(value)) return { cpu: '2' };
  return typeof value === 'number' ? value + 1 : typeof value === 'boolean' ? !value : 'b';
}

describe('compileRule', () => {
  it.each<[string, unknown, boolean]>([
    ['self.a <= self.b', { a: 1, b: 1 }, true],
    ['self.a <= self.b', { a: 2, b: 1 }, false],
    ['!has(self.a) || self.a == 0', {}, true],
    ['has(self.a) && (self.a == 0 || self.a == 2)', { a: 2 }, true],
    ['self.a.b == self.c', { a: { b: [1] }, c: [1] }, true],
  ])('%s with %j is %s', (rule, self, expected) => {
    expect(compileRule(rule)({ self })).toBe(expected);
  });

  it.each([
    'self.a + 1 == 2',
    'self.a.size() <= 3',
    'self.all(x, x)',
    'self.a',
    'other == 1',
    '',
    'self.a == "b"',
    '(self.a == 1',
  ])('refuses %j', (rule) => {
    expect(() => compileRule(rule)).toThrow(/cannot be evaluated here/);
  });

  it('makes a rule about an absent field fail', () => {
    const rules = SchemaRules.of({ 'x-kubernetes-validations': [{ rule: 'self.a == 1', message: 'must be 1' }] });
    expect(rules.causes({}, undefined)).toMatchObject([
      { message: expect.stringContaining('no such key: self.a') as string },
    ]);
  });

  it.each([
    ['unknown rules', { rule: 'self.matches("a")', message: 'a' }, /crd\.yaml: the rule "self\.matches/],
    [
      'unknown keys of a rule',
      { rule: 'self == self', message: 'a', messageExpression: 'b' },
      /crd\.yaml: .*messageExpression/s,
    ],
  ])('prevents the start of the server: %s', async (_, validation, expected) => {
    const folder = mkdtempSync(join(tmpdir(), 'fsb-crds-'));
    try {
      const version = {
        name: 'v1',
        schema: { openAPIV3Schema: { type: 'object', properties: {}, 'x-kubernetes-validations': [validation] } },
      };
      const spec = {
        group: 'g',
        scope: 'Namespaced',
        names: { plural: 'as', singular: 'a', kind: 'A' },
        versions: [version],
      };
      writeFileSync(join(folder, 'crd.yaml'), JSON.stringify({ kind: 'CustomResourceDefinition', spec }));
      await expect(loadCustomResources(folder)).rejects.toThrow(expected);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
