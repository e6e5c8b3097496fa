import { jsonLimitExceeded, MAX_DEPTH, MAX_VALUES } from './json-shape';

const nested = (depth: number): string => `${'['.repeat(depth)}1${']'.repeat(depth)}`;
const list = (values: number): string =>
  `[${Array(values - 1)
    .fill(0)
    .join()}]`;

it.each([
  ['the allowed depth', nested(MAX_DEPTH), undefined],
  ['one level deeper', nested(MAX_DEPTH + 1), 'is nested deeper than 64 levels'],
  ['objects and lists in turn', '{"a":['.repeat(33), 'is nested deeper than 64 levels'],
  ['the allowed number of values', list(MAX_VALUES), undefined],
  ['two values more', list(MAX_VALUES + 2), 'has more than 100000 values'],
  ['brackets and commas in a string', `"${'[,'.repeat(MAX_VALUES)}"`, undefined],
  ['an escaped quote in a string', `["\\"${'['.repeat(100)}"]`, undefined],
  ['an unterminated string', `"${'['.repeat(100)}`, undefined],
  ['nothing', '', undefined],
])('excessOf: a body with %s', (_, text, excess) => {
  expect(jsonLimitExceeded(Buffer.from(text))).toBe(excess);
});
