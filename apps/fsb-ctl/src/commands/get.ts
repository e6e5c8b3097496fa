import { Argument, type Command, Option } from 'commander';
import { NAME } from '../checks';
import { CommandError } from '../command-error';
import { parserOf } from '../flag-values';
import { type GlobalFlags, settingsOf } from '../settings';

interface Flags extends GlobalFlags {
  readonly output: 'yaml' | 'json';
  readonly timings?: true;
}

const EXAMPLES = `
Examples:
  # the whole Sandbox object, as kubectl shows it
  fsb-ctl get my-sandbox

  # one field
  fsb-ctl get my-sandbox -o json | jq -r .status.endpoints[0]

  # the time that each stage of its create took
  fsb-ctl get my-sandbox --timings
`;

export function addGet(program: Command): void {
  program
    .command('get')
    .summary('show a sandbox')
    .description('Shows the whole Sandbox object, as `kubectl get -o yaml` does.')
    .addArgument(new Argument('<name>', 'name of the sandbox').argParser(parserOf(NAME)))
    .addOption(new Option('-o, --output <format>', 'yaml or json').choices(['yaml', 'json']).default('yaml'))
    .option('--timings', 'show instead how long each stage of its create took')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, _: unknown, self: Command) => {
      await get(name, self.optsWithGlobals<Flags>());
    });
}

async function get(name: string, flags: Flags): Promise<void> {
  const settings = await settingsOf(flags);
  const { withGateway } = await import('../gateway.js');
  const request = {
    sandboxName: name,
    namespace: settings.namespace,
    sandboxId: '',
    includeObject: flags.timings !== true,
  };
  const { answer: sandbox, trailers } = await withGateway(settings, (gateway) => gateway.get(request));
  if (flags.timings === true) {
    const { waterfall } = await import('../stages.js');
    const drawn = waterfall(trailers.get('fastpath-stages')[0]?.toString());
    if (drawn === '')
      throw new CommandError(`the stages of ${name} are not known: only those of a FAST create are kept`);
    process.stdout.write(drawn);
    return;
  }
  const { objectText } = await import('../sandbox-view.js');
  process.stdout.write(objectText(sandbox, flags.output));
}
