import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { type Check, ENDPOINT, NAMESPACE } from './checks';
import { usage } from './command-error';
import type { Config } from './config-file';

export interface GlobalFlags {
  readonly endpoint?: string;
  readonly namespace?: string;
  readonly config?: string;
  readonly caFile?: string;
  readonly tokenFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly insecurePlaintext?: boolean;
  readonly timeout?: number;
}

export interface Settings {
  readonly endpoint: string;
  readonly namespace: string;
  readonly editor: string | undefined;
  readonly security: Security;
  /** as asked for; absent means the command's own */
  readonly timeoutMs: number | undefined;
}

/** How the gateway is believed, and how it believes us. */
export type Security = 'plaintext' | TlsFiles;
export interface TlsFiles {
  /** absent: the certificate authorities that Node knows */
  readonly caFile: string | undefined;
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** What `make up` leaves for whoever is root on this machine. */
const MACHINE_CONFIG = '/var/lib/fast-sandbox/fsb-ctl.json';

/** A value and where it came from, which is what an error about it has to say. */
type Candidate = readonly [source: string, value: string | undefined];
type Environment = Readonly<Record<string, string | undefined>>;

/** A flag wins over the environment, that over the configuration file, that over the default. */
export async function settingsOf(flags: GlobalFlags, env: Environment = process.env): Promise<Settings> {
  const path = configPath(flags.config);
  const file: Config = path === undefined ? {} : (await import('./config-file.js')).readConfig(path);
  const inFile = (key: string): string => `"${key}" in ${path ?? ''}`;
  // empty is as good as absent, as everywhere in a shell
  const set = (variable: string): string | undefined => (env[variable] === '' ? undefined : env[variable]);
  return {
    endpoint: first(ENDPOINT, [
      ['--endpoint', flags.endpoint],
      ['FSB_ENDPOINT', set('FSB_ENDPOINT')],
      ['ENDPOINT', set('ENDPOINT')],
      [inFile('endpoint'), file.endpoint],
      ['', 'localhost:9090'],
    ]),
    namespace: first(NAMESPACE, [
      ['--namespace', flags.namespace],
      ['FSB_NAMESPACE', set('FSB_NAMESPACE')],
      ['NAMESPACE', set('NAMESPACE')],
      [inFile('namespace'), file.namespace],
      ['', 'default'],
    ]),
    editor: set('EDITOR') ?? file.editor,
    security: securityOf(flags, file, set),
    timeoutMs: flags.timeout,
  };
}

/** @throws CommandError where a certificate has no key */
function securityOf(flags: GlobalFlags, file: Config, set: (variable: string) => string | undefined): Security {
  const insecure = flags.insecurePlaintext ?? set('FSB_INSECURE_PLAINTEXT') ?? file.insecurePlaintext;
  if (String(insecure) === 'true') return 'plaintext';
  const path = (key: 'caFile' | 'tokenFile' | 'certFile' | 'keyFile', variable: string): string | undefined =>
    flags[key] ?? set(variable) ?? file[key];
  const [certFile, keyFile] = [path('certFile', 'FSB_CERT_FILE'), path('keyFile', 'FSB_KEY_FILE')];
  if ((certFile === undefined) !== (keyFile === undefined)) throw usage('--cert-file and --key-file: give both');
  // a token file that was named beats a token that happens to be set
  const token = flags.tokenFile === undefined ? set('FSB_TOKEN') : undefined;
  const tokenFile = path('tokenFile', 'FSB_TOKEN_FILE');
  return { caFile: path('caFile', 'FSB_CA_FILE'), token, tokenFile, certFile, keyFile };
}

function first(check: Check, candidates: readonly Candidate[]): string {
  for (const [source, value] of candidates) {
    if (value === undefined) continue;
    if (!check.allows(value)) throw usage(`${source}: "${value}": ${check.rule}`);
    return value;
  }
  return '';
}

/** The first that exists is the only one read. */
function configPath(flag: string | undefined): string | undefined {
  if (flag !== undefined) {
    if (!existsSync(flag)) throw usage(`--config: there is no file ${flag}`);
    return flag;
  }
  const paths = [resolve('.fsb/config.json'), join(homedir(), '.fsb/config.json'), MACHINE_CONFIG];
  return paths.find((path) => existsSync(path));
}
