import { Argument, type Command } from 'commander';
import { NAME } from '../checks';
import { CommandError } from '../command-error';
import { checked } from '../flag-values';
import { type GlobalFlags, settingsOf } from '../settings';

const EXAMPLES = `
Examples:
  # end a sandbox and remove all that is left of it
  fsb-ctl delete my-sandbox
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
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, _: unknown, self: Command) => {
      await remove(name, self.optsWithGlobals<GlobalFlags>());
    });
}

async function remove(name: string, flags: GlobalFlags): Promise<void> {
  const settings = await settingsOf(flags);
  const { withGateway } = await import('../gateway.js');
  const request = { sandboxName: name, namespace: settings.namespace, sandboxId: '' };
  const { success } = await withGateway(settings, (gateway) => gateway.delete(request));
  if (!success) throw new CommandError(`sandbox ${name} was not deleted: see \`fsb-ctl get ${name}\``);
  process.stdout.write(`Sandbox ${name} deletion triggered\n`);
}
