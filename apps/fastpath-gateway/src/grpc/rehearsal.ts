import { randomBytes } from 'node:crypto';
import { type ChannelCredentials, credentials, Metadata, status } from '@grpc/grpc-js';
import { CreateRequest, FastPathServiceClient } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type Address } from '@fsb/component-base/config';
import { rehearse } from '@fsb/component-base/rehearsal';

const CALL_MS = 5_000;
/** Bearer token of the rehearsal. Only this process knows it, and it allows nothing but creates. */
export const REHEARSAL_TOKEN = randomBytes(32).toString('base64url');
/** A create that is refused for its fields, before anything is looked up, counted or made. */
const NO_REQUEST = CreateRequest.fromPartial({});
/** A W3C traceparent with flag 0: the rehearsal is not sampled. */
const UNTRACED = `00-${'1'.repeat(32)}-${'1'.repeat(16)}-00`;

/** Calls createSandbox of this gateway, so that V8 has compiled its path before the first caller comes. */
export async function rehearseCreates({ port }: Address, isPlaintext: boolean, signal: AbortSignal): Promise<void> {
  const channel = isPlaintext ? credentials.createInsecure() : ownTls();
  const client = new FastPathServiceClient(`127.0.0.1:${port}`, channel, {
    'grpc.ssl_target_name_override': 'localhost',
  });
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${REHEARSAL_TOKEN}`);
  metadata.set('traceparent', UNTRACED);
  const call = (): Promise<void> =>
    new Promise((resolve, reject) => {
      client.createSandbox(NO_REQUEST, metadata, { deadline: Date.now() + CALL_MS }, (error) => {
        if (error?.code === status.INVALID_ARGUMENT) resolve();
        else reject(error ?? new Error('a create without fields was accepted'));
      });
    });
  try {
    await rehearse(call, signal);
  } finally {
    client.close();
  }
}

/** TLS without verification, over loopback to itself: the certificate is for the names that callers use. */
function ownTls(): ChannelCredentials {
  return credentials.createSsl(null, null, null, { rejectUnauthorized: false });
}
