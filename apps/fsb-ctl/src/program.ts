import { Command, type CommanderError } from 'commander';
import { addDelete } from './commands/delete';
import { addGet } from './commands/get';
import { addImages } from './commands/images';
import { addList } from './commands/list';
import { addLogs } from './commands/logs';
import { addReset } from './commands/reset';
import { addRun } from './commands/run';
import { addUpdate } from './commands/update';
import { addVersion, CLI_VERSION } from './commands/version';
import { usageError } from './command-error';
import { durationFlag } from './flag-values';

const HELP = `
Settings are taken, in this order, from:
  1. flags
  2. environment: FSB_ENDPOINT, FSB_NAMESPACE (or ENDPOINT, NAMESPACE), FSB_CA_FILE, FSB_TOKEN or FSB_TOKEN_FILE,
     FSB_CERT_FILE, FSB_KEY_FILE, FSB_INSECURE_PLAINTEXT
  3. one file: that of --config, else ~/.fsb/config.json, else the one that \`make up\` wrote on this machine, as in
     {"endpoint": "localhost:9090", "namespace": "default", "caFile": "ca.crt", "tokenFile": "token"}
A token or client certificate is sent only to the endpoint of the same source: flags and environment are one, the file is another.

Examples:
  fsb-ctl run hello --image busybox -- /bin/sh -c 'while :; do date; sleep 1; done'
  fsb-ctl list
  fsb-ctl logs -f hello
  fsb-ctl delete hello
`;

/** The command line. Imports only what parsing needs: gRPC, YAML and zod are loaded by the command that uses them. */
export function program(): Command {
  const root = new Command('fsb-ctl')
    .description('Running, isolated containers in milliseconds.')
    .version(CLI_VERSION, '--version', 'print the version of fsb-ctl')
    .option('--endpoint <host:port>', 'gateway to talk to (default: localhost:9090)')
    .option('-n, --namespace <namespace>', 'namespace of the sandbox (default: default)')
    .option('--ca-file <file>', "CA of the gateway's certificate, PEM (default: Node's built-in CAs)")
    .option('--token-file <file>', 'file with the Kubernetes token to send (or set FSB_TOKEN to the token)')
    .option('--cert-file <file>', 'client certificate to send, PEM; needs --key-file')
    .option('--key-file <file>', 'private key of --cert-file, PEM')
    .option('--insecure-plaintext', 'no TLS and no credentials: for a gateway that runs with --insecure-plaintext')
    .option('--config <file>', 'configuration file to read instead of ~/.fsb/config.json')
    .option(
      '--timeout <time>',
      'deadline of each call, as in 500ms, 10s, 1m (default: 10s; for run 30s plus --wait)',
      durationFlag,
    )
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => undefined }) // main.ts prints errors, each on one line
    .addHelpText('after', HELP);
  for (const add of [addRun, addList, addGet, addLogs, addDelete, addUpdate, addReset, addImages, addVersion])
    add(root);
  for (const command of [root, ...root.commands])
    command.exitOverride((error) => {
      throw usageOf(error, command);
    });
  return root;
}

/** Commander's message on one line, with a pointer to --help. Exit code 0 is help or version, already printed. */
function usageOf(error: CommanderError, command: Command): Error {
  if (error.exitCode === 0 || error.code === 'commander.help') return error;
  const path = command.parent ? `fsb-ctl ${command.name()}` : 'fsb-ctl';
  const hint =
    error.code === 'commander.unknownOption' && command.name() === 'run'
      ? 'put -- before a command that has flags of its own; '
      : '';
  const message = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return usageError(`${message} (${hint}see \`${path} --help\`)`);
}
