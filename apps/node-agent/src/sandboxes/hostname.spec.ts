import { hostnameOf } from './hostname';

it.each([
  ['box', 'box'],
  ['a.b', 'a.b'],
  [`${'a'.repeat(62)}-bbbb`, 'a'.repeat(62)],
  [`${'a'.repeat(62)}.bbbb`, 'a'.repeat(62)],
  [`${'a'.repeat(60)}-.-bbbb`, 'a'.repeat(60)],
  ['c'.repeat(253), 'c'.repeat(63)],
])('hostnameOf: %s becomes %s', (name, hostname) => {
  expect(hostnameOf(name)).toBe(hostname);
});
