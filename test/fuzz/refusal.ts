/** What tells of our insides, and belongs into a log. */
const STACK = /\n\s+at |node_modules|\.[jt]s:\d|TypeError|RangeError/;

/** That a message is one for people: short, whatever was sent, and about that alone. */
export function expectForPeople(message: string, mostChars = 5_000): void {
  expect(message).not.toMatch(STACK);
  expect(message.length).toBeLessThan(mostChars);
}
