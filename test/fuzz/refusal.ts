/** Internals that belong in a log, not in a message. */
const STACK = /\n\s+at |node_modules|\.[jt]s:\d|TypeError|RangeError/;

/** Expects a message for people: without internals, and short however long the input was. */
export function expectForPeople(message: string, mostChars = 5_000): void {
  expect(message).not.toMatch(STACK);
  expect(message.length).toBeLessThan(mostChars);
}
