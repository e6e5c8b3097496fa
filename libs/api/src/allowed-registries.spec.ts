import { isAllowedImage, isRegistryEntry, requireAllowedImage } from './allowed-registries';
import { normaliseImage } from './image-name';

it.each([
  ['alpine', ['docker.io'], true],
  ['alpine', ['docker.io/library'], true],
  ['someone/app:1', ['docker.io/library'], false],
  ['index.docker.io/someone/app:1', ['docker.io/someone'], true],
  ['ghcr.io/owner/app:1', ['docker.io', 'ghcr.io/owner'], true],
  ['ghcr.io/owner:1', ['ghcr.io/owner'], true],
  ['ghcr.io/owner2/app:1', ['ghcr.io/owner'], false],
  ['GHCR.io/owner/app:1', ['ghcr.io'], true],
  ['ghcr.io/owner/app@sha256:' + '0'.repeat(64), ['ghcr.io/owner/app'], true],
  ['ghcr.io.evil.example/owner/app', ['ghcr.io'], false],
  ['evil.example/ghcr.io/app', ['ghcr.io'], false],
  ['a.example.com/app', ['*.example.com'], true],
  ['a.b.example.com:5000/app', ['*.example.com'], true],
  ['a.example.com:5000/app', ['*.example.com:5001'], false],
  ['example.com/app', ['*.example.com'], false],
  ['evilexample.com/app', ['*.example.com'], false],
  ['registry.example:5000/app:v1', ['registry.example:5000'], true],
  ['registry.example:5000/app:v1', ['registry.example'], false],
  ['registry.example/app:v1', ['registry.example:5000'], false],
  ['[fd00::1]:5000/app:v1', ['[fd00::1]:5000'], true],
  ['anything.example/x', ['*'], true],
  ['anything.example/x', [], false],
])('isAllowedImage: %s by %j is %s', (image, entries, allowed) => {
  expect(isAllowedImage(normaliseImage(image), entries)).toBe(allowed);
});

it.each([
  'docker.io',
  '*',
  '*.example.com',
  '*.example.com:5000',
  'ghcr.io/owner/app',
  '127.0.0.1:5000',
  '[::1]:5000/a',
  'localhost',
])('isRegistryEntry: takes %s', (entry) => {
  expect(isRegistryEntry(entry)).toBe(true);
});

it.each([
  '',
  'https://ghcr.io',
  'ghcr.io/',
  '*.example.com/path',
  'a*.example.com',
  'a b',
  '*.',
  'ghcr.io/owner:tag',
  '/a',
])('isRegistryEntry: refuses "%s"', (entry) => {
  expect(isRegistryEntry(entry)).toBe(false);
});

it('requireAllowedImage: names the allowed registries and the source of the list', () => {
  expect(() => {
    requireAllowedImage('quay.io/a/b:1', ['docker.io', 'ghcr.io/owner'], '--allowed-registries');
  }).toThrow('image: quay.io/a/b:1 is of no registry that --allowed-registries allows: docker.io, ghcr.io/owner');
});
