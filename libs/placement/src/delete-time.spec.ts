import { sideOfDelete } from './delete-time';

/** Sent at 100, answered at 110. */
const asked = (ageMs: number) => ({ sentAt: 100, receivedAt: 110, ageMs });

it.each([
  ['a delete long before the create', 99, [asked(50)], 'after'],
  ['a delete after the create, which was held on its way', 50, [asked(5)], 'before'],
  ['a delete that may be either', 65, [asked(40)], undefined],
  [
    'the same, asked again: the answer came faster',
    65,
    [asked(40), { sentAt: 111, receivedAt: 112, ageMs: 48 }],
    'after',
  ],
  [
    'the same, asked again: the question came faster',
    61,
    [asked(40), { sentAt: 111, receivedAt: 112, ageMs: 43 }],
    'before',
  ],
  ['a create in the instant of a bound', 70, [asked(40)], undefined],
])('%s', (_what, begunAt, exchanges, side) => {
  expect(sideOfDelete(begunAt, exchanges)).toBe(side);
});
