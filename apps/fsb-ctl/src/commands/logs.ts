import { Argument, type Command, Option } from 'commander';
import { LINES, NAME } from '../checks';
import { checked, number } from '../flag-values';
import { type GlobalFlags, settingsOf } from '../settings';

interface Flags extends GlobalFlags {
  readonly follow?: true;
  readonly tail?: number;
  readonly previous?: true;
  readonly stream?: (typeof STREAMS)[number];
}

const STREAMS = ['both', 'stdout', 'stderr'] as const;

const EXAMPLES = `
Examples:
  # what it has written so far
  fsb-ctl logs my-sandbox

  # why it was made anew
  fsb-ctl logs --previous my-sandbox

  # the last words of one that failed
  fsb-ctl logs --stream stderr --tail 5 my-sandbox

  # the last 20 lines, and then whatever comes, until it ends
  fsb-ctl logs -f --tail 20 my-sandbox
`;

export function addLogs(program: Command): void {
  program
    .command('logs')
    .summary("print a sandbox's log")
    .description(
      "Prints a sandbox's log, its stdout to stdout and its stderr to stderr. It comes through the gateway: neither kubectl nor a way to the agent is needed.",
    )
    .addArgument(new Argument('<name>', 'name of the sandbox').argParser(checked(NAME)))
    .option('-f, --follow', 'go on until the sandbox ends')
    .option('--tail <lines>', 'only the last lines', number(LINES))
    .option('-p, --previous', 'of the container before, where the sandbox was reset or made anew')
    .addOption(
      new Option('--stream <stream>', 'one alone, to stdout, also with --tail (default: both)').choices(STREAMS),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, _: unknown, self: Command) => {
      await logs(name, self.optsWithGlobals<Flags>());
    });
}

async function logs(name: string, flags: Flags): Promise<void> {
  const settings = await settingsOf(flags);
  const { namespace } = settings;
  const { withGateway } = await import('../gateway.js');
  const { logStreams, printAll, printOne } = await import('../log-output.js');
  await withGateway(settings, async (gateway) => {
    // a call with a deadline first, since the stream can have none; and the log that follows is of this sandbox, not of a
    // later one of its name
    const { answer } = await gateway.get({ sandboxName: name, namespace, sandboxId: '', includeObject: false });
    const { sandboxId } = answer;
    const follow = flags.follow === true;
    const stream = flags.stream ?? 'both';
    const request = {
      sandboxName: name,
      namespace,
      sandboxId,
      follow,
      tailLines: flags.tail,
      previous: flags.previous === true,
      stream: logStreams[stream],
    };
    await (stream === 'both' ? printAll : printOne)(gateway.logs(request));
  });
}
