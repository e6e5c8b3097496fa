import { importedNames } from './load';

describe('importedNames', () => {
  it('returns the names of the unpacked images', () => {
    const printed = [
      'unpacking docker.io/library/one:latest (sha256:0a1b)...done',
      'unpacking registry.example/two:1 (sha256:ffff)...done',
      '',
    ].join('\n');
    expect(importedNames(printed)).toEqual(['docker.io/library/one:latest', 'registry.example/two:1']);
    expect(importedNames('')).toEqual([]);
  });
});
