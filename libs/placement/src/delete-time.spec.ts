import { sideOfDelete } from './delete-time';

/** Sent at 100, answered at 110. */
const asked = (ageMs: number) => ({ sentAt: 100, receivedAt: 110, ageMs });

it.each([
  ['a delete long before the create', 99, [asked(50)], 'after'],
  ['a delete after the create, whose request was delayed', 50, [asked(5)], 'before'],
  ['a delete on either side', 65, [asked(40)], undefined],
  ['the same, asked again with a faster answer', 65, [asked(40), { sentAt: 111, receivedAt: 112, ageMs: 48 }], 'after'],
  [
    'the same, asked again with a faster question',
    61,
    [asked(40), { sentAt: 111, receivedAt: 112, ageMs: 43 }],
    'before',
  ],
  ['a create at the instant of a bound', 70, [asked(40)], undefined],
])('sideOfDelete: %s', (_what, begunAt, exchanges, side) => {
  expect(sideOfDelete(begunAt, exchanges)).toBe(side);
});
