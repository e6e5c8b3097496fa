import { installationLabels } from '@fsb/api/labels';
import { carriesLabels, labelFilter } from './label-filter';

const OURS = installationLabels('uid-1');

it('labelFilter: quotes names and values', () => {
  expect(labelFilter(OURS)).toBe(
    'labels."fast-sandbox.io/managed"=="true",labels."fast-sandbox.io/installation"=="uid-1"',
  );
});

it.each<[string, Record<string, string>, boolean]>([
  ['all of them and more', { ...OURS, more: 'x' }, true],
  ['another installation', installationLabels('uid-2'), false],
  // Regression: the shutdown of a one-machine stack took such a container for its own, the janitor did not
  ['the installation alone', { 'fast-sandbox.io/installation': 'uid-1' }, false],
  ['none', {}, false],
])('carriesLabels: %s', (_what, labels, carries) => {
  expect(carriesLabels(labels, OURS)).toBe(carries);
});
