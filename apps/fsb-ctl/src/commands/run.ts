import { Argument, type Command, Option } from 'commander';
import type { CreateResponse } from '@fsb/api/gen/fastpath/v1/fastpath';
import type { RunSandboxResponse } from '@fsb/api/gen/fastpath/v1/logs';
import { FOLDER, NAME, NOT_EMPTY, QUANTITY, SECONDS } from '../checks';
import { CommandError } from '../command-error';
import type { RunFlags, SandboxFile } from '../create-request';
import { checked, env, expireTime, labels, number, policy, ports } from '../flag-values';
import { type GlobalFlags, type Settings, settingsOf } from '../settings';

interface Flags extends RunFlags, GlobalFlags {
  readonly file?: string;
  readonly follow?: true;
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

  # run, and read along
  fsb-ctl run hello --image busybox --follow -- date
`;

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
    .option('-f, --file <file>', 'YAML that describes the sandbox; - is standard input')
    .option('--follow', 'print its log until it ends')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, command: string[], _: unknown, self: Command) => {
      await run(name, command, self.optsWithGlobals<Flags>());
    });
}

async function run(name: string, command: readonly string[], flags: Flags): Promise<void> {
  const settings = await settingsOf(flags);
  const { createRequest } = await import('../create-request.js');
  const file = await describedBy(name, flags, settings);
  const request = createRequest({ name, namespace: settings.namespace, command }, flags, file);
  if (flags.image === undefined && flags.file === undefined) {
    const { confirmed } = await import('../editor.js');
    const question = `Create sandbox ${name} of image ${request.image} in namespace ${settings.namespace}?`;
    if (!(await confirmed(question))) throw new CommandError('nothing was created; what you wrote is remembered');
  }
  const { withGateway } = await import('../gateway.js');
  await withGateway(settings, async (gateway) => {
    const start = performance.now();
    if (flags.follow === true) {
      await follow(gateway.run(request), start);
      return;
    }
    const { answer, trailers } = await gateway.create(request);
    await tell(answer, trailers.get('fastpath-stages')[0]?.toString(), start);
  });
}

/** What the create answered goes before the first of the log. */
async function follow(messages: AsyncIterable<RunSandboxResponse>, start: number): Promise<void> {
  const { printAll } = await import('../log-output.js');
  async function* log(): AsyncGenerator<Buffer> {
    for await (const { created, stages, data } of messages) {
      if (created) await tell(created, stages, start);
      else yield data;
    }
  }
  await printAll(log());
}

async function tell(answer: CreateResponse, stages: string | undefined, start: number): Promise<void> {
  process.stdout.write(created(answer, performance.now() - start));
  if (stages === undefined || stages === '') return;
  const { waterfall } = await import('../stages.js');
  process.stdout.write(waterfall(stages));
}

async function describedBy(name: string, flags: Flags, settings: Settings): Promise<SandboxFile> {
  if (flags.file !== undefined) return (await import('../sandbox-file.js')).readSandboxFile(flags.file);
  if (flags.image !== undefined) return {};
  return (await import('../editor.js')).editSandbox(name, settings.editor);
}

function created(answer: CreateResponse, tookMs: number): string {
  const took = tookMs < 1_000 ? `${tookMs.toFixed(1)}ms` : `${(tookMs / 1_000).toFixed(2)}s`;
  return [
    `🎉 Sandbox created successfully in ${took}`,
    `Name:      ${answer.sandboxName}`,
    `ID:        ${answer.sandboxId}`,
    `Agent:     ${answer.agentPod}`,
    `Endpoints: [${answer.endpoints.join(' ')}]`,
    '',
  ].join('\n');
}
