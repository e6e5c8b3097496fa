import { Argument, type Command, Option } from 'commander';
import { LINES, NAME } from '../checks';
import { parserOf, numberParserOf } from '../flag-values';
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
  # everything written so far
  fsb-ctl logs my-sandbox

  # the previous container's log, to see why it was replaced
  fsb-ctl logs --previous my-sandbox

  # the last five lines of stderr
  fsb-ctl logs --stream stderr --tail 5 my-sandbox

  # the last 20 lines, then new ones until the sandbox ends
  fsb-ctl logs -f --tail 20 my-sandbox
`;

export function addLogs(program: Command): void {
  program
    .command('logs')
    .summary("print a sandbox's log")
    .description(
      "Prints a sandbox's log, its stdout to stdout and its stderr to stderr. It is read through the gateway: neither kubectl nor access to the agent is needed.",
    )
    .addArgument(new Argument('<name>', 'name of the sandbox').argParser(parserOf(NAME)))
    .option('-f, --follow', 'print new output until the sandbox ends')
    .option('--tail <lines>', 'print only the last lines', numberParserOf(LINES))
    .option('-p, --previous', 'log of the previous container, after a reset or recreation')
    .addOption(
      new Option('--stream <stream>', 'print one stream, to stdout; --tail counts it alone (default: both)').choices(
        STREAMS,
      ),
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
    // get first: it has a deadline, which a followed stream cannot have, and its id ties the log to this sandbox, not a
    // later one of the same name
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
