import { Argument, type Command } from 'commander';
import { NAME } from '../checks';
import { CommandError } from '../command-error';
import { checked } from '../flag-values';
import { type GlobalFlags, settingsOf } from '../settings';

interface Flags extends GlobalFlags {
  readonly ignoreNotFound?: true;
}

const EXAMPLES = `
Examples:
  # end a sandbox and remove all that is left of it
  fsb-ctl delete my-sandbox

  # make sure that it is absent
  fsb-ctl delete my-sandbox --ignore-not-found
`;

export function addDelete(program: Command): void {
  program
    .command('delete')
    .alias('rm')
    .summary('delete a sandbox')
    .description(
      'Deletes a sandbox. Its process gets SIGTERM, and has ten seconds to end; the command does not wait for it.',
    )
    .addArgument(new Argument('<name>', 'name of the sandbox').argParser(checked(NAME)))
    .option('--ignore-not-found', 'end with 0 where there is no such sandbox')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, _: unknown, self: Command) => {
      await remove(name, self.optsWithGlobals<Flags>());
    });
}

async function remove(name: string, flags: Flags): Promise<void> {
  const settings = await settingsOf(flags);
  const { withGateway } = await import('../gateway.js');
  const request = { sandboxName: name, namespace: settings.namespace, sandboxId: '' };
  const missing = await withGateway(settings, async (gateway) => {
    const missing = await gateway.missing({ ...request, includeObject: false });
    // also of what is not found: it may be on its way
    const { success } = await gateway.delete(request);
    if (!success) throw new CommandError(`sandbox ${name} was not deleted: see \`fsb-ctl get ${name}\``);
    return missing;
  });
  if (missing === undefined) process.stdout.write(`Sandbox ${name} deletion triggered\n`);
  else if (flags.ignoreNotFound !== true) throw new CommandError(missing);
}
