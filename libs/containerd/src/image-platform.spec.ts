import { isOwnPlatform } from './image-platform';

it.each([
  [{ os: 'linux', architecture: 'amd64', variant: '' }, 'x64', true],
  [{ os: 'linux', architecture: 'amd64', variant: 'v1' }, 'x64', true],
  [{ os: 'Linux', architecture: 'x86_64', variant: '' }, 'x64', true],
  [{ os: '', architecture: 'amd64', variant: '' }, 'x64', true],
  [{ os: 'linux', architecture: 'amd64', variant: 'v4' }, 'x64', false],
  [{ os: 'windows', architecture: 'amd64', variant: '' }, 'x64', false],
  [{ os: 'linux', architecture: '386', variant: '' }, 'x64', false],
  [{ os: 'linux', architecture: 'arm64', variant: 'v8' }, 'arm64', true],
  [{ os: 'linux', architecture: 'arm64', variant: '' }, 'arm64', true],
  [{ os: 'linux', architecture: 'arm64', variant: 'v9' }, 'arm64', false],
  [{ os: 'linux', architecture: 'arm64', variant: '' }, 'x64', false],
  [{ os: 'unknown', architecture: 'unknown', variant: '' }, 'x64', false],
])('isOwnPlatform: %j on %s is %s', (platform, arch, runs) => {
  expect(isOwnPlatform(platform, arch)).toBe(runs);
});
