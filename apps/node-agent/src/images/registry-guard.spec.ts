import { METADATA_ADDRESSES, parseRanges } from '../network/address-range';
import { hostOf, isOpen, RegistryGuard } from './registry-guard';

const blockedAddresses = parseRanges(METADATA_ADDRESSES)!;
const guard = (opened?: string): RegistryGuard => {
  const registryAddresses = opened === undefined ? [] : parseRanges(opened)!;
  return new RegistryGuard({ allowedRegistries: ['*'], blockedAddresses, registryAddresses });
};

it.each([
  ['8.8.8.8', true],
  ['10.0.0.1', true],
  ['2001:db8::1', true],
  ['127.0.0.1', false],
  ['127.9.9.9', false],
  ['0.0.0.0', false],
  ['169.254.169.254', false],
  ['100.100.100.200', false],
  ['168.63.129.16', false],
  ['224.0.0.1', false],
  ['::1', false],
  ['::', false],
  ['fe80::1', false],
  ['fd00:ec2::254', false],
  ['::ffff:127.0.0.1', false],
  ['::ffff:169.254.169.254', false],
])('isOpen: %s: %s', (address, open) => {
  expect(isOpen(address, { blockedAddresses, registryAddresses: [] })).toBe(open);
});

it.each([
  ['docker.io/library/alpine:latest', 'registry-1.docker.io'],
  ['ghcr.io/a/b:1', 'ghcr.io'],
  ['127.0.0.1:5000/a/b:1', '127.0.0.1'],
  ['[::1]:5000/a:1', '::1'],
])('hostOf: %s is at %s', (image, host) => {
  expect(hostOf(image)).toBe(host);
});

// forms that getaddrinfo takes for an address and a URL parser may not
it.each([
  'localhost',
  '127.0.0.1:5000',
  '127.1:80',
  '0x7f000001:80',
  '2130706433:80',
  '[::1]:5000',
  '[::ffff:7f00:1]:5000',
])('RegistryGuard: refuses registry %s, naming the field', async (registry) => {
  await expect(guard().requireReachable(`${registry}/a/b:1`)).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringMatching(/^image: registry .*--registry-addresses/) as string,
  });
  await guard('127.0.0.0/8,::1').requireReachable(`${registry}/a/b:1`);
});

it('RegistryGuard: allows the ranges of --registry-addresses, and nothing beside them', async () => {
  await guard('127.0.0.1').requireReachable('127.0.0.1:5000/a:1');
  await expect(guard('127.0.0.1').requireReachable('127.0.0.2:5000/a:1')).rejects.toThrow(/^image: /);
});

it('RegistryGuard: leaves a name that does not resolve to containerd', async () => {
  await guard().requireReachable('nowhere.invalid/a/b:1');
});
