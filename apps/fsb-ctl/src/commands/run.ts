import { Argument, type Command, Option } from 'commander';
import { FOLDER, GRACE_SECONDS, NAME, NOT_EMPTY, QUANTITY, SECONDS } from '../checks';
import { CommandError, usage } from '../command-error';
import type { RunFlags, SandboxFile } from '../create-request';
import { createdLines } from '../created-lines';
import { checked, env, expireTime, labels, number, policy, ports, wait } from '../flag-values';
import { type GlobalFlags, type Settings, settingsOf } from '../settings';

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
  # a container of an image, with a command of your own behind --
  fsb-ctl run hello --image busybox -- /bin/sh -c 'while :; do date; sleep 1; done'

  # ports, variables and limits
  fsb-ctl run web --image nginx --ports 80,443 --env MODE=demo --cpu 500m --memory 128Mi

  # from a file; flags win over it
  fsb-ctl run web -f sandbox.yaml --pool other-pool

  # with neither: opens $EDITOR, and remembers what you wrote for this name
  fsb-ctl run web

  # run, read along, and end with the status of the process; its stdout alone goes to stdout, its stderr to stderr
  today=$(fsb-ctl run hello --image busybox --follow --rm -- date)

  # the name alone on stdout, for scripts
  fsb-ctl run hello --image busybox -q -- sleep 60
`;

const STATUS = `
Exit status with --follow: that of the process, 128 + N where signal N ended it, 125 where fsb-ctl itself failed.`;

export function addRun(program: Command): void {
  program
    .command('run')
    .summary('create a sandbox')
    .description(
      'Creates a sandbox and waits until its process runs. The command is taken from behind `--`, or from behind the name where no flags follow.',
    )
    .addArgument(new Argument('<name>', 'name of the sandbox').argParser(checked(NAME)))
    .argument('[command...]', "replaces the image's entrypoint")
    .option('--image <image>', 'image to run', checked(NOT_EMPTY))
    .option('--pool <pool>', 'pool of agents to run in (default: default-pool)', checked(NAME))
    .addOption(
      new Option(
        '--mode <mode>',
        "fast: the container first; strong: its object first (default: the gateway's)",
      ).choices(['fast', 'strong']),
    )
    .option('--ports <ports>', 'ports to expose, as in 8080,9090', ports)
    .option('-e, --env <name=value>', 'variable of the process; may be repeated', env)
    .option('-w, --workdir <folder>', 'folder that the process starts in', checked(FOLDER))
    .option('-l, --label <key=value>', 'label of the sandbox; may be repeated', labels)
    .option('--cpu <quantity>', 'limit, as in 500m or 2', checked(QUANTITY))
    .option('--memory <quantity>', 'limit, as in 64Mi or 1Gi', checked(QUANTITY))
    .option('--pids <quantity>', 'limit of its processes and threads, as in 100', checked(QUANTITY))
    .option('--ephemeral-storage <quantity>', 'limit of what it writes, its log too, as in 1Gi', checked(QUANTITY))
    .option('--expire-time <time>', 'end it then: Unix seconds, RFC 3339, or from now as in 30m', expireTime)
    .option('--failure-policy <policy>', 'manual or auto-recreate', policy)
    .option('--recovery-timeout <seconds>', 'time to wait for a lost agent', number(SECONDS))
    .option(
      '-f, --file <file>',
      'Sandbox object as kubectl takes it, or its keys alone (image, pool_ref, command …), in YAML; - is standard input',
    )
    .option('--follow', 'print its stdout and stderr until it ends, and end with its exit status')
    .option('--rm', 'with --follow: delete it afterwards')
    .option('-q, --quiet', 'print the name alone, and with --follow nothing but its output')
    .option(
      '--wait <time>',
      'wait for room in a pool that may still grow, at most 5m; 0 does not wait (default: 30s)',
      wait,
    )
    .option(
      '--grace-period <seconds>',
      "time between SIGTERM and SIGKILL when it is ended (default: the pool's)",
      number(GRACE_SECONDS),
    )
    .addOption(
      new Option('--image-pull-policy <policy>', 'when to ask the registry (default: IfNotPresent)').choices([
        'Always',
        'IfNotPresent',
        'Never',
      ]),
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
    throw usage('-i and -t: standard input cannot be sent to a sandbox yet; put the input into --env or the command');
  }
  if (flags.rm === true && flags.follow !== true) throw usage('--rm: only with --follow, which waits for the end');
  const settings = await settingsOf(flags);
  const { createRequest } = await import('../create-request.js');
  const file = await describedBy(name, flags, settings);
  const request = createRequest({ name, namespace: settings.namespace, command }, flags, file);
  if (flags.image === undefined && flags.file === undefined) {
    const { confirmed } = await import('../editor.js');
    const question = `Create sandbox ${name} of image ${request.image} in namespace ${settings.namespace}?`;
    if (!(await confirmed(question))) throw new CommandError('nothing was created; what you wrote is remembered');
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

async function describedBy(name: string, flags: Flags, settings: Settings): Promise<SandboxFile> {
  if (flags.file !== undefined) return (await import('../sandbox-file.js')).readSandboxFile(flags.file);
  if (flags.image !== undefined) return {};
  return (await import('../editor.js')).editSandbox(name, settings.editor);
}
