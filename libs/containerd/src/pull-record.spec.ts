import { credentialsHash, pullRecordOf, recordLabel, withProof } from './pull-record';

const NAME = 'registry.example:5000/team/app:v1';
const SOURCE = { 'containerd.io/distribution.source.registry.example': 'team/app' };
const proof = (namespace: string) => ({ namespace, credentials: 'a'.repeat(32) });

it('an image without a word of a registry was loaded', () => {
  expect(pullRecordOf({ 'containerd.io/gc.ref.content.0': 'sha256:1' }, NAME)).toEqual({
    ...{ isPulled: false, isPublic: false, proofs: [] },
  });
  for (const other of ['other.example/team/app:v1', 'registry.example:5000/other/app:v1']) {
    expect(pullRecordOf(SOURCE, other).isPulled).toBe(false);
  }
});

it('an image that containerd fetched, and nobody recorded, was pulled by nobody that is known', () => {
  expect(pullRecordOf(SOURCE, NAME)).toEqual({ isPulled: true, isPublic: false, proofs: [] });
});

it('remembers who has pulled it, each once, until somebody needs no credentials', () => {
  let labels: Record<string, string> = SOURCE;
  for (const namespace of ['a', 'b', 'a']) {
    labels = { ...labels, [recordLabel(NAME)]: withProof(pullRecordOf(labels, NAME), proof(namespace)) };
  }
  expect(pullRecordOf(labels, NAME).proofs).toEqual([proof('b'), proof('a')]);
  labels = { ...labels, [recordLabel(NAME)]: withProof(pullRecordOf(labels, NAME), undefined) };
  expect(pullRecordOf(labels, NAME)).toEqual({ isPulled: true, isPublic: true, proofs: [] });
  expect(withProof(pullRecordOf(labels, NAME), proof('c'))).toBe('anonymous');
});

it('stays within what containerd takes of a label, and forgets the oldest', () => {
  let value = '';
  for (let i = 0; i < 200; i++) {
    value = withProof(pullRecordOf({ [recordLabel(NAME)]: value }, NAME), proof(`${i}-`.padEnd(63, 'n')));
  }
  expect(recordLabel(NAME).length + value.length).toBeLessThanOrEqual(4096);
  expect(value).toContain('/199-');
  expect(value).not.toContain('/0-');
});

it.each([
  [NAME, 'registry.example:5000/team/app:v2', true],
  [NAME, `registry.example:5000/team/app@sha256:${'0'.repeat(64)}`, true],
  [NAME, 'registry.example:5000/team/app2:v1', false],
  [NAME, 'registry.example/team/app:v1', false],
])('%s and %s are of one repository: %s', (one, other, same) => {
  expect(recordLabel(one) === recordLabel(other)).toBe(same);
});

it('keeps credentials as a hash that says nothing about another image', () => {
  const auth = { username: 'me', password: 'secret' };
  expect(credentialsHash('sha256:1', auth)).toMatch(/^[\da-f]{32}$/);
  expect(credentialsHash('sha256:1', auth)).not.toBe(credentialsHash('sha256:2', auth));
  expect(credentialsHash('sha256:1', auth)).not.toBe(credentialsHash('sha256:1', { ...auth, password: 'other' }));
});
