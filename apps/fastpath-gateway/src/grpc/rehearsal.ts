import { randomBytes } from 'node:crypto';
import { type ChannelCredentials, credentials, Metadata, status } from '@grpc/grpc-js';
import { CreateRequest, FastPathServiceClient } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type Address } from '@fsb/component-base/config';
import { rehearse } from '@fsb/component-base/rehearsal';

const CALL_MS = 5_000;
/** Known to this process alone: the rehearsal's calls are let in by it, and to nothing else. */
export const REHEARSAL_TOKEN = randomBytes(32).toString('base64url');
/** Refused for its fields: nothing is looked up, counted or made. */
const NO_REQUEST = CreateRequest.fromPartial({});
/** W3C's flag 0: nobody wants to see these. */
const UNTRACED = `00-${'1'.repeat(32)}-${'1'.repeat(16)}-00`;

/** Calls this gateway's own createSandbox, so that the first callers do not pay for its compilation. */
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
        else reject(error ?? new Error('a create without a field was taken'));
      });
    });
  try {
    await rehearse(call, signal);
  } finally {
    client.close();
  }
}

/** On loopback, with itself: its certificate is for the names that others use. */
function ownTls(): ChannelCredentials {
  return credentials.createSsl(null, null, null, { rejectUnauthorized: false });
}
