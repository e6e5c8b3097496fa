import { ALLOCATION_ANNOTATION } from '@fsb/api/labels';
import { createdAtOf } from './sandbox-object';

const WRITTEN = '2026-01-01T00:00:05Z';
const of = (allocation?: string, creationTimestamp: string | undefined = WRITTEN): number =>
  createdAtOf({
    metadata: {
      ...(creationTimestamp === '' ? {} : { creationTimestamp }),
      ...(allocation === undefined ? {} : { annotations: { [ALLOCATION_ANNOTATION]: allocation } }),
    },
  });

describe('createdAtOf', () => {
  it.each([
    ['an object without an allocation', of(), Date.parse(WRITTEN) / 1000],
    ['an object of a FAST create', of('{"allocatedAt":"2026-01-01T00:00:01Z"}'), Date.parse(WRITTEN) / 1000 - 4],
    ['an allocation that is not JSON', of('{'), Date.parse(WRITTEN) / 1000],
    ['an allocation without a time', of('{"allocatedAt":"soon"}'), Date.parse(WRITTEN) / 1000],
    ['an object that is not written yet', of(undefined, ''), 0],
  ])('%s', (_what, at, expected) => {
    expect(at).toBe(expected);
  });
});
