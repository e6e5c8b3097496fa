import { Command, type CommanderError } from 'commander';
import { addDelete } from './commands/delete';
import { addGet } from './commands/get';
import { addImages } from './commands/images';
import { addList } from './commands/list';
import { addLogs } from './commands/logs';
import { addReset } from './commands/reset';
import { addRun } from './commands/run';
import { addUpdate } from './commands/update';
import { addVersion, VERSION } from './commands/version';
import { usage } from './command-error';
import { duration } from './flag-values';

const HELP = `
Settings come from flags, else from FSB_ENDPOINT and FSB_NAMESPACE (or ENDPOINT and NAMESPACE), FSB_CA_FILE, FSB_TOKEN_FILE
and so on, else from ~/.fsb/config.json, else from what \`make up\` left on this machine, as in
{"endpoint": "localhost:9090", "namespace": "default", "caFile": "ca.crt", "tokenFile": "token"}.
A token goes only to the endpoint that is named beside it: on the command line or in the environment, or in the same file.

Examples:
  fsb-ctl run hello --image busybox -- /bin/sh -c 'while :; do date; sleep 1; done'
  fsb-ctl list
  fsb-ctl logs -f hello
  fsb-ctl delete hello
`;

/** Only what the parsing of a command line needs is loaded here: gRPC, YAML and zod come with the command that uses them. */
export function program(): Command {
  const root = new Command('fsb-ctl')
    .description('Running, isolated containers in milliseconds.')
    .version(VERSION, '--version', 'print the version of fsb-ctl')
    .option('--endpoint <host:port>', 'gateway to talk to (default: localhost:9090)')
    .option('-n, --namespace <namespace>', 'namespace of the sandbox (default: default)')
    .option('--ca-file <file>', "CA of the gateway's certificate, PEM (default: those that Node knows)")
    .option('--token-file <file>', 'file with the Kubernetes token to show (or the token itself in FSB_TOKEN)')
    .option('--cert-file <file>', 'client certificate to show, PEM')
    .option('--key-file <file>', 'its private key, PEM')
    .option('--insecure-plaintext', 'speak without TLS, and show nothing: to a gateway of that flag alone')
    .option('--config <file>', 'configuration file to read instead of ~/.fsb/config.json')
    .option(
      '--timeout <time>',
      'limit of a call, as in 500ms, 10s, 1m (default: 10s; for run 30s and its --wait)',
      duration,
    )
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => undefined }) // main writes it, as one line
    .addHelpText('after', HELP);
  for (const add of [addRun, addList, addGet, addLogs, addDelete, addUpdate, addReset, addImages, addVersion])
    add(root);
  for (const command of [root, ...root.commands])
    command.exitOverride((error) => {
      throw usageOf(error, command);
    });
  return root;
}

/** Commander's message on one line, with where to read on. Its exit code 0 is help or version, already printed. */
function usageOf(error: CommanderError, command: Command): Error {
  if (error.exitCode === 0 || error.code === 'commander.help') return error;
  const path = command.parent ? `fsb-ctl ${command.name()}` : 'fsb-ctl';
  const hint =
    error.code === 'commander.unknownOption' && command.name() === 'run'
      ? 'a command with flags of its own goes behind --; '
      : '';
  const said = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return usage(`${said} (${hint}see \`${path} --help\`)`);
}
