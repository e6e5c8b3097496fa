import { type CommandError, usageError } from './command-error';

export const DEFAULT_ENDPOINT = 'localhost:9090';

/** How the gateway and the caller authenticate to each other. */
export type Security = 'plaintext' | TlsFiles;
export interface TlsFiles {
  /** absent: Node's built-in certificate authorities */
  readonly caFile: Given | undefined;
  readonly token: Given | undefined;
  readonly tokenFile: Given | undefined;
  readonly certFile: Given | undefined;
  readonly keyFile: Given | undefined;
}

/** A value and the flag, variable or key that gave it, which an error about the value names. */
export interface Given {
  readonly source: string;
  readonly value: string;
}

/** Connection settings of one source: the command line with the environment, or the configuration file. */
export interface Source extends TlsFiles {
  readonly endpoint: string | undefined;
  readonly insecurePlaintext: boolean;
}

/** Connection settings of the configuration file. The endpoint is the default where the file names none. */
export interface FileSource extends Source {
  readonly path: string;
  readonly endpoint: string;
}

/**
 * Credentials for the endpoint of a call. The endpoint of `caller` wins over the one of `file`.
 * @throws CommandError when the credentials of `caller` would go to the endpoint of `file`
 * @example
 * // undefined: the token is for b:1
 * securityOf({ endpoint: 'a:1', ... }, { endpoint: 'b:1', tokenFile: { source: '"tokenFile"', value: '/t' }, ... }).tokenFile
 */
export function securityOf(caller: Source, file: FileSource | undefined): Security {
  if (caller.insecurePlaintext) return 'plaintext';
  if (file === undefined) return caller;
  const credential = credentialOf(caller);
  if (caller.endpoint === undefined || caller.endpoint === file.endpoint) {
    if (caller.endpoint === undefined && credential !== undefined) throw withoutEndpoint(credential, file);
    return forFilesEndpoint(caller, file, credential !== undefined);
  }
  // credentials and CA of the file are for its own endpoint alone
  return caller;
}

function forFilesEndpoint(caller: Source, file: FileSource, hasCredential: boolean): Security {
  if (file.insecurePlaintext && !hasCredential) return 'plaintext';
  return { ...(hasCredential ? caller : file), caFile: caller.caFile ?? file.caFile };
}

function withoutEndpoint(credential: string, { path, endpoint }: FileSource): CommandError {
  return usageError(
    `${credential}: is sent only to an endpoint of the command line or the environment: add --endpoint (${path} names ${endpoint})`,
  );
}

/** Name of the flag, variable or key that gave a source's credential; undefined when the source has none. */
export function credentialOf({ token, tokenFile, certFile }: TlsFiles): string | undefined {
  return (token ?? tokenFile ?? certFile)?.source;
}

/** @throws CommandError when only one of certificate and key is given */
export function refuseHalfPair({ certFile, keyFile }: TlsFiles): void {
  if ((certFile === undefined) === (keyFile === undefined)) return;
  const [given, missing] = certFile ? [certFile, 'a key'] : [keyFile, 'a certificate'];
  throw usageError(`${given?.source ?? ''}: needs ${missing} too: give both, as with --cert-file and --key-file`);
}
