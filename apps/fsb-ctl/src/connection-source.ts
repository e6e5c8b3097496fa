import { usage } from './command-error';

export const DEFAULT_ENDPOINT = 'localhost:9090';

/** How the gateway and the caller authenticate to each other. */
export type Security = 'plaintext' | TlsFiles;
export interface TlsFiles {
  /** absent: the certificate authorities that Node knows */
  readonly caFile: string | undefined;
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** Connection as one source describes it: the command line with the environment, or the configuration file. */
export interface Source extends TlsFiles {
  readonly endpoint: string | undefined;
  readonly insecurePlaintext: boolean;
}

/**
 * Credentials for the endpoint that a call goes to. The endpoint of `caller` wins over the one of `file`.
 * @throws CommandError where the only credentials belong to another endpoint
 * @example securityOf({ endpoint: 'a:1', ... }, { endpoint: 'b:1', tokenFile: '/t', ... }) // throws: the token is for b:1
 */
export function securityOf(caller: Source, file: (Source & { readonly path: string }) | undefined): Security {
  if (caller.insecurePlaintext) return 'plaintext';
  if (file === undefined) return caller;
  const isOfFile = caller.endpoint === undefined;
  const credential = credentialOf(caller);
  if (isOfFile && credential !== undefined) {
    throw usage(
      `${credential}: goes only to an endpoint of the command line or the environment: add --endpoint ` +
        `(${file.path} names ${file.endpoint ?? DEFAULT_ENDPOINT})`,
    );
  }
  const isSame = isOfFile || caller.endpoint === file.endpoint;
  if (isSame && file.insecurePlaintext && credential === undefined) return 'plaintext';
  if (isSame) return { ...(credential === undefined ? file : caller), caFile: caller.caFile ?? file.caFile };
  if (credential === undefined && credentialOf(file) !== undefined) {
    throw usage(
      `--endpoint ${caller.endpoint ?? ''}: the credentials of ${file.path} go only to ${file.endpoint ?? DEFAULT_ENDPOINT}: ` +
        'give --token-file, or leave out --endpoint',
    );
  }
  return caller;
}

/** Name of the flag or variable that holds a source's credential; undefined where it has none. */
function credentialOf({ token, tokenFile, certFile }: TlsFiles): string | undefined {
  if (token !== undefined) return 'FSB_TOKEN';
  if (tokenFile !== undefined) return '--token-file';
  return certFile === undefined ? undefined : '--cert-file';
}
