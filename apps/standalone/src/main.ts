import 'reflect-metadata';
import { messageOf } from '@fsb/api/errors';
import { Command, Option } from 'commander';
import { layoutOf } from './layout';
import { type GivenSettings, resolveSettings } from './settings';

interface Options extends GivenSettings {
  readonly root?: string;
}

// Each command loads only what it runs: the API client alone costs half a second.
const program = new Command('standalone')
  .description('Fast Sandbox on one machine: a Kubernetes API, a node, and the services, kept up by a supervisor.')
  .enablePositionalOptions()
  .addHelpText(
    'after',
    `
Examples:
  standalone up                                             start everything, wait until it serves
  standalone status                                         every process; exit code 0: all healthy, 1: not, 3: stopped
  standalone down                                           end everything, keep objects and images
  standalone purge                                          end everything, keep nothing
  standalone up --root /srv/fsb --containerd private \\
    --grpc-address 127.0.0.1:9190 --api-address 127.0.0.1:7443 --port-base 9300
                                                            a second stack beside the first
  standalone up --replicas 2                                two gateways (9090, 9190), two controllers of each kind`,
  );

const withSettings = (command: Command): Command =>
  withRoot(command)
    .addOption(
      new Option('--containerd <which>', "auto: the machine's own where it was there before").choices([
        'auto',
        'private',
      ]),
    )
    .option('--grpc-address <host:port>', 'where the gateway serves gRPC (default 127.0.0.1:9090)')
    .option('--api-address <host:port>', 'where the Kubernetes API is served (default 127.0.0.1:6443)')
    .option('--port-base <port>', 'first of the ports for probes and metrics (default 9190)')
    .option('--replicas <n>', 'gateways, and controllers of each kind; gateway n serves on 100 ports above (default 1)')
    .option('--allowed-registries <list>', 'registries whose images may run, as in docker.io,ghcr.io/owner (default *)')
    .option(
      '--registry-addresses <ranges>',
      "ranges of the machine's loopback and blocked addresses that registries may be at; '' is none (default 127.0.0.0/8,::1)",
    )
    .option('--warm-containers <n>', 'how many may wait for sandboxes on each agent; 0: none (default 16)')
    .addOption(
      new Option(
        '--insecure-plaintext [bool]',
        "the gateway serves the original's wire: no TLS, no authentication (default false)",
      ).preset('true'),
    )
    .option(
      '--otlp-endpoint <url>',
      "where traces go, as in http://192.0.2.1:4318, which agents must reach; '' ends it",
    )
    .option('--kubeconfig <file>', 'use this API server, which has the CRDs, and start none')
    .option('--api-advertise <host:port>', 'what kubeconfigs name, where a proxy stands before the API server');

function withRoot(command: Command): Command {
  return command.option('--root <dir>', 'keep everything below DIR (default /var/lib, /run, /var/log/fast-sandbox)');
}

withSettings(
  program.command('up').description('start what does not run yet, or other settings need; wait until all of it serves'),
).action(async ({ root, ...given }: Options) => {
  const { up } = await import('./command/up.js');
  process.exitCode = await up(layoutOf(root), given);
});
withRoot(program.command('down').description('end everything, and remove all but the state')).action(
  async ({ root }: Options) => {
    const { down } = await import('./command/down.js');
    process.exitCode = await down(layoutOf(root));
  },
);
withRoot(program.command('purge').description('end everything, and remove the state too: objects, images, keys, logs'))
  .option('--yes', 'do not ask where sandboxes run')
  .action(async ({ root, yes }: Options & { yes?: boolean }) => {
    const { purge } = await import('./command/purge.js');
    process.exitCode = await purge(layoutOf(root), yes === true);
  });
withRoot(
  program.command('status').description('every process and its health; ends with 0: all healthy, 1: not, 3: stopped'),
)
  .addOption(new Option('-o, --output <format>', 'table or json').choices(['table', 'json']).default('table'))
  .action(async ({ root, output }: Options & { output?: string }) => {
    const { status } = await import('./command/status.js');
    process.exitCode = await status(layoutOf(root), output);
  });
withRoot(
  program
    .command('load')
    .description("import an archive of docker save or of the OCI layout into the stack's containerd"),
)
  .argument('<archive>', 'a .tar file')
  .action(async (archive: string, { root }: Options) => {
    const { load } = await import('./command/load.js');
    process.exitCode = await load(layoutOf(root), archive);
  });

withRoot(program.command('token').description('make a caller with rights in one namespace; `up` keeps it'))
  .requiredOption('--namespace <namespace>', 'the only namespace that it may use')
  .option('--role <role>', 'tenant: makes, reads and ends sandboxes; viewer: reads', 'tenant')
  .action(async ({ root, namespace, role }: Options & { namespace: string; role: string }) => {
    const { token } = await import('./command/token.js');
    process.exitCode = token(layoutOf(root), namespace, role);
  });
withRoot(program.command('pull').description("pull an image into the stack's containerd, through CRI"))
  .argument('<image>')
  .action(async (image: string, { root }: Options) => {
    const { pull } = await import('./command/pull.js');
    process.exitCode = await pull(layoutOf(root), image);
  });
withSettings(
  program.command('supervisor').description('start the services and keep them up (what `up` starts)'),
).action(async ({ root, ...given }: Options) => {
  const { runSupervisor } = await import('./supervisor/main-supervisor.js');
  const layout = layoutOf(root);
  await runSupervisor(layout, resolveSettings(layout, given));
});
forward('apiserver', 'serve the Kubernetes API', async (argv) => {
  const { runApiserver } = await import('./apiserver/main-apiserver.js');
  await runApiserver(argv);
});
forward('node', 'run the Pods of this node as processes', async (argv) => {
  const { runNode } = await import('./node/main-node.js');
  await runNode(argv);
});

/** Commands that read their own flags, as every service does. */
function forward(name: string, description: string, run: (argv: string[]) => Promise<void>): void {
  program
    .command(name)
    .description(`${description} (see ${name} --help)`)
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument('[flags...]')
    .action((argv: string[]) => run(argv));
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`standalone: ${messageOf(error)}\n`);
  process.exit(1);
});
