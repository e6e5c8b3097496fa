import { readFileSync } from 'node:fs';
import { type ChannelCredentials, credentials, Metadata } from '@grpc/grpc-js';
import { usage } from './command-error';
import type { Security, TlsFiles } from './connection-source';
import { tlsCredentials } from './tls-credentials';

/** @throws CommandError when a file cannot be read, or holds no token */
export function gatewayCredentials(security: Security): ChannelCredentials {
  if (security === 'plaintext') return credentials.createInsecure();
  const { caFile, certFile, keyFile } = security;
  const channel = tlsCredentials(read('--ca-file', caFile), read('--key-file', keyFile), read('--cert-file', certFile));
  const token = tokenOf(security);
  if (token === undefined) return channel;
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return credentials.combineChannelCredentials(
    channel,
    credentials.createFromMetadataGenerator((_call, done) => {
      done(null, metadata);
    }),
  );
}

function tokenOf({ token, tokenFile }: TlsFiles): string | undefined {
  const found = token ?? read('--token-file', tokenFile)?.toString().trim();
  if (found !== undefined && !/^[\x21-\x7e]+$/.test(found))
    throw usage('--token-file: not a token (one word of printable ASCII)');
  return found;
}

function read(flag: string, file: string | undefined): Buffer | null {
  if (file === undefined) return null;
  try {
    return readFileSync(file);
  } catch (error) {
    throw usage(`${flag}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
