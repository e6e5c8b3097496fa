/** Ends the command with one line on stderr: it names what was wrong and says what to do next. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  /** @param exitCode 2: wrong usage, nothing was sent; 125: `run --follow` failed, as in docker; 1: other failures */
  constructor(
    message: string,
    readonly exitCode: 1 | 2 | 125 = 1,
    /** the gateway answered NOT_FOUND */
    readonly isNotFound = false,
  ) {
    super(message);
  }
}

/** An error in the command line, environment or files: exit code 2. */
export function usageError(message: string): CommandError {
  return new CommandError(message, 2);
}
