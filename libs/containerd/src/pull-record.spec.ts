import { credentialsHash, pullRecordOf, recordLabel, withProof } from './pull-record';

const NAME = 'registry.example:5000/team/app:v1';
const SOURCE = { 'containerd.io/distribution.source.registry.example': 'team/app' };
const proof = (namespace: string) => ({ namespace, credentials: 'a'.repeat(32) });

it('pullRecordOf: takes an image without a source label for its repository as loaded', () => {
  expect(pullRecordOf({ 'containerd.io/gc.ref.content.0': 'sha256:1' }, NAME)).toEqual({
    ...{ isPulled: false, isPublic: false, proofs: [] },
  });
  for (const other of ['other.example/team/app:v1', 'registry.example:5000/other/app:v1']) {
    expect(pullRecordOf(SOURCE, other).isPulled).toBe(false);
  }
});

it('pullRecordOf: has no proofs for an image that containerd fetched and nobody recorded', () => {
  expect(pullRecordOf(SOURCE, NAME)).toEqual({ isPulled: true, isPublic: false, proofs: [] });
});

it('withProof: adds each proof once, until a pull without credentials makes the image public', () => {
  let labels: Record<string, string> = SOURCE;
  for (const namespace of ['a', 'b', 'a']) {
    labels = { ...labels, [recordLabel(NAME)]: withProof(pullRecordOf(labels, NAME), proof(namespace)) };
  }
  expect(pullRecordOf(labels, NAME).proofs).toEqual([proof('b'), proof('a')]);
  labels = { ...labels, [recordLabel(NAME)]: withProof(pullRecordOf(labels, NAME), undefined) };
  expect(pullRecordOf(labels, NAME)).toEqual({ isPulled: true, isPublic: true, proofs: [] });
  expect(withProof(pullRecordOf(labels, NAME), proof('c'))).toBe('anonymous');
});

it("withProof: stays within containerd's limit of a label, and drops the oldest", () => {
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
])('recordLabel: %s and %s have the same: %s', (one, other, same) => {
  expect(recordLabel(one) === recordLabel(other)).toBe(same);
});

it('credentialsHash: differs by image and by credentials', () => {
  const auth = { username: 'me', password: 'secret' };
  expect(credentialsHash('sha256:1', auth)).toMatch(/^[\da-f]{32}$/);
  expect(credentialsHash('sha256:1', auth)).not.toBe(credentialsHash('sha256:2', auth));
  expect(credentialsHash('sha256:1', auth)).not.toBe(credentialsHash('sha256:1', { ...auth, password: 'other' }));
});
