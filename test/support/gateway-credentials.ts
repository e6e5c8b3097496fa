import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChannelCredentials, credentials, Metadata } from '@grpc/grpc-js';
import { z } from 'zod';
import { tlsCredentials } from '../../apps/fsb-ctl/src/tls-credentials';

/** @param ca CA of the gateway's certificate, PEM @param own the caller's client certificate */
export function caCredentials(ca: Buffer, own?: { readonly key: string; readonly cert: string }): ChannelCredentials {
  return own ? tlsCredentials(ca, Buffer.from(own.key), Buffer.from(own.cert)) : tlsCredentials(ca);
}

/** @param ca CA of the gateway's certificate, PEM */
export function tokenCredentials(ca: Buffer, token: string): ChannelCredentials {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return credentials.combineChannelCredentials(
    caCredentials(ca),
    credentials.createFromMetadataGenerator((_call, done) => {
      done(null, metadata);
    }),
  );
}

const clientConfig = z.object({ caFile: z.string(), tokenFile: z.string() });

/** Credentials that `standalone up --root ROOT` wrote for fsb-ctl. */
export function stackCredentials(root: string): ChannelCredentials {
  const text = readFileSync(join(root, 'state/fsb-ctl.json'), 'utf8');
  const { caFile, tokenFile } = clientConfig.parse(JSON.parse(text));
  return tokenCredentials(readFileSync(caFile), readFileSync(tokenFile, 'utf8').trim());
}
