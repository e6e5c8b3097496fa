import { readFileSync } from 'node:fs';
import { type ChannelCredentials, credentials, Metadata } from '@grpc/grpc-js';
import { usageError } from './command-error';
import type { Given, Security, TlsFiles } from './connection-source';
import { tlsCredentials } from './tls-credentials';

/** @throws CommandError when a file cannot be read, or holds no token */
export function gatewayCredentials(security: Security): ChannelCredentials {
  if (security === 'plaintext') return credentials.createInsecure();
  const { caFile, certFile, keyFile } = security;
  const channel = tlsCredentials(read(caFile), read(keyFile), read(certFile));
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
  const given = token ?? tokenFile;
  if (given === undefined) return undefined;
  const found = token?.value ?? read(tokenFile)?.toString().trim() ?? '';
  if (!/^[\x21-\x7e]+$/.test(found)) throw usageError(`${given.source}: not a token (one word of printable ASCII)`);
  return found;
}

function read(file: Given | undefined): Buffer | null {
  if (file === undefined) return null;
  try {
    return readFileSync(file.value);
  } catch (error) {
    throw usageError(`${file.source}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
