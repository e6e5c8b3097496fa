import { Argument, type Command } from 'commander';
import { NAME } from '../checks';
import { CommandError } from '../command-error';
import { parserOf } from '../flag-values';
import { type GlobalFlags, settingsOf } from '../settings';

const EXAMPLES = `
Examples:
  # start again from the image, without the files that the process wrote
  fsb-ctl reset my-sandbox
`;

export function addReset(program: Command): void {
  program
    .command('reset')
    .alias('restart')
    .summary('replace the container of a sandbox by a new one')
    .description('Replaces the container of a sandbox by a new one of the same specification.')
    .addArgument(new Argument('<name>', 'name of the sandbox').argParser(parserOf(NAME)))
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, _: unknown, self: Command) => {
      await reset(name, self.optsWithGlobals<GlobalFlags>());
    });
}

async function reset(name: string, flags: GlobalFlags): Promise<void> {
  const settings = await settingsOf(flags);
  const { withGateway } = await import('../gateway.js');
  const revision = new Date().toISOString();
  const { success, message } = await withGateway(settings, (gateway) =>
    gateway.update({
      sandboxName: name,
      namespace: settings.namespace,
      update: { $case: 'resetRevision', value: revision },
      labels: {},
      sandboxId: '',
    }),
  );
  if (!success) throw new CommandError(message);
  process.stdout.write(`✓ Sandbox ${name} reset triggered\n`);
  process.stdout.write('A new container with a new id replaces it; `fsb-ctl get` shows when it runs.\n');
}
