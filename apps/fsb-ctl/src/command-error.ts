/** Ends the command with one line on stderr: it names what was wrong and says what to do next. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  /** @param exitCode 2 where the call itself was wrong and nothing was sent, else 1; 125 of `run --follow` as docker's */
  constructor(
    message: string,
    readonly exitCode: 1 | 2 | 125 = 1,
    /** the gateway answered NOT_FOUND */
    readonly isNotFound = false,
  ) {
    super(message);
  }
}

export function usage(message: string): CommandError {
  return new CommandError(message, 2);
}
