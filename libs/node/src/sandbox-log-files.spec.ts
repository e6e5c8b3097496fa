import { basename } from 'node:path';
import { logFiles, sandboxOfKeptLog, sandboxOfLog } from './sandbox-log-files';

it('sandboxOfLog: recognises every file of a log', () => {
  const names = Object.values(logFiles).map((file) => basename(file('/logs', 'a')));
  const written = ['a.log.start.new', 'a.log.kept.new', 'a.log.3'];
  expect([...names, ...written].map(sandboxOfLog)).toEqual(Array<string>(names.length + written.length).fill('a'));
});

// Regression: the shutdown of a one-machine stack took the first two for files of `a`, the janitor did not
it.each(['a.logs', 'a.log.x', 'a', '.log', 'a.log.kept.old', 'a.streams'])('sandboxOfLog: ignores %s', (name) => {
  expect(sandboxOfLog(name)).toBeUndefined();
});

it.each([
  ['a.log.kept', 'a'],
  ['a.log.kept.new', undefined],
  ['a.log', undefined],
  ['.log.kept', undefined],
])('sandboxOfKeptLog: %s gives %s', (name, id) => {
  expect(sandboxOfKeptLog(name)).toBe(id);
});
