import { secretFor } from './pull-secret';

const secret = (host: string) => ({ host, username: 'me', password: 'pw' });

it.each([
  ['docker.io/library/alpine:latest', 'https://index.docker.io/v1/', true],
  ['docker.io/library/alpine:latest', 'docker.io', true],
  ['ghcr.io/owner/app:1', 'ghcr.io', true],
  ['127.0.0.1:5000/app:1', 'http://127.0.0.1:5000', true],
  ['ghcr.io/owner/app:1', 'ghcr.io.evil.example', false],
  ['evil.example/ghcr.io/app:1', 'ghcr.io', false],
])('secretFor: for %s uses a secret of %s: %s', (image, host, used) => {
  expect(secretFor(image, [secret('other.example'), secret(host)])).toEqual(
    used ? { username: 'me', password: 'pw' } : undefined,
  );
});
