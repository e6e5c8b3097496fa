import { Argument, type Command, Option } from 'commander';
import { GRACE_SECONDS, NAME } from '../checks';
import { CommandError } from '../command-error';
import { parserOf, numberParserOf } from '../flag-values';
import { type GlobalFlags, settingsOf } from '../settings';

interface Flags extends GlobalFlags {
  readonly ignoreNotFound?: true;
  readonly gracePeriod?: number;
  readonly now?: true;
}

const EXAMPLES = `
Examples:
  # end a sandbox and remove its container, log and object
  fsb-ctl delete my-sandbox

  # succeed also when it does not exist
  fsb-ctl delete my-sandbox --ignore-not-found

  # kill it at once
  fsb-ctl delete my-sandbox --now
`;

export function addDelete(program: Command): void {
  program
    .command('delete')
    .alias('rm')
    .summary('delete a sandbox')
    .description(
      'Deletes a sandbox. Its process gets SIGTERM, and SIGKILL after the grace period of the sandbox (10 seconds by default). The command does not wait for the end.',
    )
    .addArgument(new Argument('<name>', 'name of the sandbox').argParser(parserOf(NAME)))
    .option('--ignore-not-found', 'exit with 0 if there is no such sandbox')
    .addOption(
      new Option(
        '--grace-period <seconds>',
        "seconds between SIGTERM and SIGKILL (default: the sandbox's own)",
      ).argParser(numberParserOf(GRACE_SECONDS)),
    )
    .addOption(new Option('--now', 'kill at once: --grace-period 0').conflicts('gracePeriod'))
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, _: unknown, self: Command) => {
      await remove(name, self.optsWithGlobals<Flags>());
    });
}

async function remove(name: string, flags: Flags): Promise<void> {
  const settings = await settingsOf(flags);
  const { withGateway } = await import('../gateway.js');
  const request = { sandboxName: name, namespace: settings.namespace, sandboxId: '' };
  const gracePeriodSeconds = flags.now ? 0 : flags.gracePeriod;
  const missing = await withGateway(settings, async (gateway) => {
    const missing = await gateway.notFoundMessage({ ...request, includeObject: false });
    // a sandbox that is not found is deleted too: its create may be in flight
    const { success } = await gateway.delete({ ...request, gracePeriodSeconds });
    if (!success) throw new CommandError(`sandbox ${name} was not deleted: see \`fsb-ctl get ${name}\``);
    return missing;
  });
  if (missing === undefined) process.stdout.write(`Sandbox ${name} deletion triggered\n`);
  else if (flags.ignoreNotFound !== true) throw new CommandError(missing);
}
