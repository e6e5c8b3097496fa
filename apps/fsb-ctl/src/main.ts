import { CommanderError } from 'commander';
import { CommandError } from './command-error';
import { program } from './program';

// EPIPE is no failure: a reader such as head closed the pipe. A command that must clean up first listens for SIGPIPE.
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' && process.emit('SIGPIPE', 'SIGPIPE')) return;
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}

program()
  .parseAsync()
  .catch((error: unknown) => {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof CommandError ? error.exitCode : 1;
  });
