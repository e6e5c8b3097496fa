import 'reflect-metadata';
import { messageOf } from '@fsb/api/errors';
import { Command, Option } from 'commander';
import { layoutOf } from './layout';
import { type GivenSettings, resolveSettings } from './settings';

interface Options extends GivenSettings {
  readonly root?: string;
}

// Each command imports only what it runs: the API client alone takes half a second to load.
const program = new Command('standalone')
  .description('Fast Sandbox on one machine: a Kubernetes API, a node and the services, run by a supervisor.')
  .enablePositionalOptions()
  .addHelpText(
    'after',
    `
Examples:
  standalone up                                             start everything, wait until it is healthy
  standalone status                                         list every process and its health
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
      new Option(
        '--containerd <which>',
        "auto: the machine's own if it runs already and answers CRI; private: start one",
      ).choices(['auto', 'private']),
    )
    .option('--grpc-address <host:port>', 'address of the gateway (default 127.0.0.1:9090)')
    .option('--api-address <host:port>', 'address of the Kubernetes API (default 127.0.0.1:6443)')
    .option('--port-base <port>', 'first of the ports for probes and metrics (default 9190)')
    .option(
      '--replicas <n>',
      'gateways, and controllers of each kind; each gateway serves 100 ports above the last (default 1)',
    )
    .option('--allowed-registries <list>', 'registries whose images may run, as in docker.io,ghcr.io/owner (default *)')
    .option(
      '--registry-addresses <ranges>',
      "loopback, link-local and blocked ranges in which registries are allowed; '': none (default 127.0.0.0/8,::1)",
    )
    .option('--warm-containers <n>', 'most standby containers of an agent, for warm starts; 0: none (default 16)')
    .addOption(
      new Option(
        '--insecure-plaintext [bool]',
        'gateway without TLS and authentication, as the Go predecessor (default false)',
      ).preset('true'),
    )
    .option(
      '--otlp-endpoint <url>',
      "collector of traces, as in http://192.0.2.1:4318; agents must reach it too; '': no traces (default)",
    )
    .option('--kubeconfig <file>', 'use this API server, with the CRDs installed, instead of starting one')
    .option('--api-advertise <host:port>', 'address of the API server in kubeconfigs, if behind a proxy');

function withRoot(command: Command): Command {
  return command.option(
    '--root <dir>',
    'keep all files below this folder (default: fast-sandbox in /var/lib, /run and /var/log)',
  );
}

withSettings(
  program
    .command('up')
    .description('start what does not run yet and restart what new settings change; wait until all is healthy'),
).action(async ({ root, ...given }: Options) => {
  const { up } = await import('./command/up.js');
  process.exitCode = await up(layoutOf(root), given);
});
withRoot(program.command('down').description('end everything; objects, images, keys and logs are kept')).action(
  async ({ root }: Options) => {
    const { down } = await import('./command/down.js');
    process.exitCode = await down(layoutOf(root));
  },
);
withRoot(program.command('purge').description('end everything and remove objects, images, keys and logs too'))
  .option('--yes', 'do not ask when sandboxes run')
  .action(async ({ root, yes }: Options & { yes?: boolean }) => {
    const { purge } = await import('./command/purge.js');
    process.exitCode = await purge(layoutOf(root), yes === true);
  });
withRoot(
  program
    .command('status')
    .description('list every process and its health; exit code 0: all healthy, 1: not all, 3: stopped'),
)
  .addOption(new Option('-o, --output <format>', 'table or json').choices(['table', 'json']).default('table'))
  .action(async ({ root, output }: Options & { output?: string }) => {
    const { status } = await import('./command/status.js');
    process.exitCode = await status(layoutOf(root), output);
  });
withRoot(
  program
    .command('load')
    .description("import an archive of docker save, or an OCI layout, into the stack's containerd"),
)
  .argument('<archive>', 'a .tar file')
  .action(async (archive: string, { root }: Options) => {
    const { load } = await import('./command/load.js');
    process.exitCode = await load(layoutOf(root), archive);
  });

withRoot(
  program.command('token').description('create a user with rights in one namespace, and its token; `up` keeps it'),
)
  .requiredOption('--namespace <namespace>', 'the only namespace that the user may use')
  .option('--role <role>', 'tenant: create, read and delete sandboxes; viewer: read', 'tenant')
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
  program
    .command('supervisor')
    .description('start the services and keep them running; `up` starts this in the background'),
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

/** A command that parses its own flags, as every service does. */
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
