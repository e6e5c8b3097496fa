import type { Command } from 'commander';

/** Version of package.json, defined by scripts/bundle-cli.mjs. */
declare const FSB_VERSION: string | undefined;

export const CLI_VERSION = `fsb-ctl ${typeof FSB_VERSION === 'string' ? FSB_VERSION : 'unbundled'}`;

export function addVersion(program: Command): void {
  program
    .command('version')
    .summary('print the version of fsb-ctl')
    .description('Prints the version of fsb-ctl.')
    .addHelpText('after', '\nExamples:\n  fsb-ctl version\n')
    .action(() => {
      process.stdout.write(`${CLI_VERSION}\n`);
    });
}
