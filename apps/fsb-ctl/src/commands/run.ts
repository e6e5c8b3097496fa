import { Argument, type Command, Option } from 'commander';
import { FOLDER, GRACE_SECONDS, NAME, NOT_EMPTY, QUANTITY, SECONDS } from '../checks';
import { CommandError, usageError } from '../command-error';
import type { RunFlags, SandboxFile } from '../create-request';
import { createdLines } from '../created-lines';
import { parserOf, env, expireTime, labels, numberParserOf, policy, ports, wait } from '../flag-values';
import { type GlobalFlags, type ConnectionSettings, settingsOf } from '../settings';

interface Flags extends RunFlags, GlobalFlags {
  readonly file?: string;
  readonly follow?: true;
  readonly rm?: true;
  readonly quiet?: true;
  readonly interactive?: true;
  readonly tty?: true;
}

const EXAMPLES = `
Examples:
  # an image, with a command after --
  fsb-ctl run hello --image busybox -- /bin/sh -c 'while :; do date; sleep 1; done'

  # ports, variables and limits
  fsb-ctl run web --image nginx --ports 80,443 --env MODE=demo --cpu 500m --memory 128Mi

  # from a file; flags win over the file
  fsb-ctl run web -f sandbox.yaml --pool other-pool

  # without image and file: opens $EDITOR, and keeps the text for this name
  fsb-ctl run web

  # print its output (stdout to stdout, stderr to stderr), exit with its status, delete it
  today=$(fsb-ctl run hello --image busybox --follow --rm -- date)

  # print only the name, for scripts
  fsb-ctl run hello --image busybox -q -- sleep 60
`;

const STATUS = `
Exit status with --follow: that of the process (128 + N if signal N ended it), or 125 if fsb-ctl itself failed.`;

export function addRun(program: Command): void {
  program
    .command('run')
    .summary('create a sandbox')
    .description(
      'Creates a sandbox and waits until its process runs. The command follows the name; put `--` before it if it has flags of its own.',
    )
    .addArgument(new Argument('<name>', 'name of the sandbox').argParser(parserOf(NAME)))
    .argument('[command...]', "replaces the image's entrypoint")
    .option('--image <image>', 'image to run', parserOf(NOT_EMPTY))
    .option('--pool <pool>', 'pool of agents to run in (default: default-pool)', parserOf(NAME))
    .addOption(
      new Option(
        '--mode <mode>',
        "fast: container first, object after the answer; strong: object first (default: the gateway's)",
      ).choices(['fast', 'strong']),
    )
    .option('--ports <ports>', 'ports to expose, as in 8080,9090', ports)
    .option('-e, --env <name=value>', 'environment variable; may be repeated', env)
    .option('-w, --workdir <folder>', 'working folder of the process', parserOf(FOLDER))
    .option('-l, --label <key=value>', 'label of the sandbox; may be repeated', labels)
    .option('--cpu <quantity>', 'CPU limit, as in 500m or 2', parserOf(QUANTITY))
    .option('--memory <quantity>', 'memory limit, as in 64Mi or 1Gi', parserOf(QUANTITY))
    .option('--pids <quantity>', 'limit of processes and threads, as in 100', parserOf(QUANTITY))
    .option('--ephemeral-storage <quantity>', 'limit of files written and log, as in 1Gi', parserOf(QUANTITY))
    .option('--expire-time <time>', 'time to end it: Unix seconds, RFC 3339, or from now as in 30m', expireTime)
    .option('--failure-policy <policy>', 'manual or auto-recreate', policy)
    .option('--recovery-timeout <seconds>', 'time to wait for an agent out of reach', numberParserOf(SECONDS))
    .option(
      '-f, --file <file>',
      'YAML file: a Sandbox object as for kubectl, or the keys image, pool_ref, command …; - is standard input',
    )
    .option('--follow', 'print its stdout and stderr until it ends, and exit with its status')
    .option('--rm', 'with --follow: delete it afterwards')
    .option('-q, --quiet', 'print only the name; with --follow only its output')
    .option(
      '--wait <time>',
      'time to wait for a pool that is full but may grow, at most 5m; 0: do not wait (default: 30s)',
      wait,
    )
    .option(
      '--grace-period <seconds>',
      "seconds between SIGTERM and SIGKILL (default: the pool's)",
      numberParserOf(GRACE_SECONDS),
    )
    .addOption(
      new Option(
        '--image-pull-policy <policy>',
        'when to pull the image from its registry (default: IfNotPresent)',
      ).choices(['Always', 'IfNotPresent', 'Never']),
    )
    .addOption(new Option('-i, --interactive').hideHelp())
    .addOption(new Option('-t, --tty').hideHelp())
    .addHelpText('after', STATUS + EXAMPLES)
    .action(async (name: string, command: string[], _: unknown, self: Command) => {
      await run(name, command, self.optsWithGlobals<Flags>());
    });
}

async function run(name: string, command: readonly string[], flags: Flags): Promise<void> {
  if (flags.interactive === true || flags.tty === true) {
    throw usageError(
      '-i and -t: standard input cannot be sent to a sandbox yet; put the input into --env or the command',
    );
  }
  if (flags.rm === true && flags.follow !== true) throw usageError('--rm: only with --follow, which waits for the end');
  const settings = await settingsOf(flags);
  const { createRequest } = await import('../create-request.js');
  const file = await sandboxFile(name, flags, settings);
  const request = createRequest({ name, namespace: settings.namespace, command }, flags, file);
  if (flags.image === undefined && flags.file === undefined) {
    const { confirm: confirmed } = await import('../editor.js');
    const question = `Create sandbox ${name} of image ${request.image} in namespace ${settings.namespace}?`;
    if (!(await confirmed(question))) throw new CommandError('nothing was created; the text is kept');
  }
  if (flags.follow === true) {
    const { runAndFollow } = await import('../followed-run.js');
    process.exitCode = await runAndFollow(settings, request, flags);
    return;
  }
  const { withGateway } = await import('../gateway.js');
  await withGateway(settings, async (gateway) => {
    const start = performance.now();
    const { answer, trailers } = await gateway.create(request);
    if (flags.quiet === true) process.stdout.write(`${answer.sandboxName}\n`);
    else process.stdout.write(await createdLines(answer, trailers.get('fastpath-stages')[0]?.toString(), start));
  });
}

async function sandboxFile(name: string, flags: Flags, settings: ConnectionSettings): Promise<SandboxFile> {
  if (flags.file !== undefined) return (await import('../sandbox-file.js')).readSandboxFile(flags.file);
  if (flags.image !== undefined) return {};
  return (await import('../editor.js')).editSandbox(name, settings.editor);
}
