import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Check, ENDPOINT, NAMESPACE_NAME } from './checks';
import { usageError } from './command-error';
import type { Config } from './config-file';
import {
  DEFAULT_ENDPOINT,
  type FileSource,
  type Given,
  refuseHalfPair,
  type Security,
  securityOf,
  type Source,
} from './connection-source';

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

export interface ConnectionSettings {
  readonly endpoint: string;
  readonly namespace: string;
  readonly editor: string | undefined;
  readonly security: Security;
  /** `--timeout`; absent: the default of the call */
  readonly timeoutMs: number | undefined;
}

/** Configuration file that `make up` writes for this machine's root. */
const MACHINE_CONFIG = '/var/lib/fast-sandbox/fsb-ctl.json';

/** A value with its source, which an error about the value names. */
type Candidate = readonly [source: string, value: string | undefined];
type Environment = Readonly<Record<string, string | undefined>>;
type Variables = (name: string) => string | undefined;

/**
 * Precedence: flags, environment, configuration file, defaults. Credentials are the exception: a token or client
 * certificate is sent only to the endpoint of its own source, so that neither a file nor a variable can redirect the
 * other's token.
 * @throws CommandError when a value is invalid, the file is not trusted, or a credential has no endpoint to go to
 */
export async function settingsOf(flags: GlobalFlags, env: Environment = process.env): Promise<ConnectionSettings> {
  const path = configPath(flags.config);
  const file: Config = path === undefined ? {} : (await import('./config-file.js')).readConfig(path);
  // an empty variable counts as unset
  const set: Variables = (variable) => (env[variable] === '' ? undefined : env[variable]);
  const ofCaller = [
    ['--endpoint', flags.endpoint],
    ['FSB_ENDPOINT', set('FSB_ENDPOINT')],
    ['ENDPOINT', set('ENDPOINT')],
  ] as const;
  const caller = callerSource(first(ENDPOINT, ofCaller), flags, set);
  refuseHalfPair(caller);
  const security = securityOf(caller, path === undefined ? undefined : fileSource(path, file));
  if (security !== 'plaintext') refuseHalfPair(security);
  return {
    endpoint: first(ENDPOINT, [...ofCaller, [inFile('endpoint', path ?? ''), file.endpoint]]) ?? DEFAULT_ENDPOINT,
    namespace:
      first(NAMESPACE_NAME, [
        ['--namespace', flags.namespace],
        ['FSB_NAMESPACE', set('FSB_NAMESPACE')],
        ['NAMESPACE', set('NAMESPACE')],
        [inFile('namespace', path ?? ''), file.namespace],
      ]) ?? 'default',
    editor: set('EDITOR'),
    security,
    timeoutMs: flags.timeout,
  };
}

function callerSource(endpoint: string | undefined, flags: GlobalFlags, set: Variables): Source {
  const ofVariable = (name: string): Given | undefined => given(name, set(name));
  return {
    endpoint,
    insecurePlaintext: String(flags.insecurePlaintext ?? set('FSB_INSECURE_PLAINTEXT')) === 'true',
    caFile: given('--ca-file', flags.caFile) ?? ofVariable('FSB_CA_FILE'),
    // --token-file wins over FSB_TOKEN, which wins over FSB_TOKEN_FILE
    token: flags.tokenFile === undefined ? ofVariable('FSB_TOKEN') : undefined,
    tokenFile: given('--token-file', flags.tokenFile) ?? ofVariable('FSB_TOKEN_FILE'),
    certFile: given('--cert-file', flags.certFile) ?? ofVariable('FSB_CERT_FILE'),
    keyFile: given('--key-file', flags.keyFile) ?? ofVariable('FSB_KEY_FILE'),
  };
}

function fileSource(path: string, file: Config): FileSource {
  const { endpoint = DEFAULT_ENDPOINT, insecurePlaintext = false } = file;
  const ofKey = (key: 'caFile' | 'tokenFile' | 'certFile' | 'keyFile'): Given | undefined =>
    given(inFile(key, path), file[key]);
  const [caFile, tokenFile, certFile, keyFile] = [
    ofKey('caFile'),
    ofKey('tokenFile'),
    ofKey('certFile'),
    ofKey('keyFile'),
  ];
  return { path, endpoint, insecurePlaintext, caFile, token: undefined, tokenFile, certFile, keyFile };
}

function given(source: string, value: string | undefined): Given | undefined {
  return value === undefined ? undefined : { source, value };
}

/** Name of a key of the configuration file, for an error about its value. */
function inFile(key: string, path: string): string {
  return `"${key}" in ${path}`;
}

function first(check: Check, candidates: readonly Candidate[]): string | undefined {
  for (const [source, value] of candidates) {
    if (value === undefined) continue;
    if (!check.allows(value)) throw usageError(`${source}: "${value}": ${check.rule}`);
    return value;
  }
  return undefined;
}

/**
 * The one configuration file that is read: --config, else the first that exists. The current folder is not searched,
 * since another user may write to it.
 * @throws CommandError when --config names no file, or the file found may have been written by another user
 */
function configPath(flag: string | undefined): string | undefined {
  if (flag !== undefined) {
    if (!existsSync(flag)) throw usageError(`--config: there is no file ${flag}`);
    return flag;
  }
  const path = [join(homedir(), '.fsb/config.json'), MACHINE_CONFIG].find((each) => existsSync(each));
  if (path !== undefined) refuseForeign(path);
  return path;
}

/** @throws CommandError when file or folder belong to neither the caller nor root, or others may write to them */
function refuseForeign(path: string): void {
  for (const each of [path, dirname(path)]) {
    const { uid, mode } = statSync(each);
    if (uid !== 0 && uid !== process.getuid?.()) {
      throw usageError(`${each}: belongs to user ${uid}, not to you: name it with --config if you trust it`);
    }
    if ((mode & 0o022) !== 0) throw usageError(`${each}: may be written by other users: chmod go-w ${each}`);
  }
}
