import { credentials, Metadata, status } from '@grpc/grpc-js';
import { CreateRequest, FastPathServiceClient } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type Address } from '@fsb/component-base/config';
import { rehearse } from '@fsb/component-base/rehearsal';

const CALL_MS = 5_000;
/** Refused for its fields: nothing is looked up, counted or made. */
const NO_REQUEST = CreateRequest.fromPartial({});

/** Calls this gateway's own createSandbox, so that the first callers do not pay for its compilation. */
export async function rehearseCreates({ port }: Address, signal: AbortSignal): Promise<void> {
  const client = new FastPathServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const call = (): Promise<void> =>
    new Promise((resolve, reject) => {
      client.createSandbox(NO_REQUEST, new Metadata(), { deadline: Date.now() + CALL_MS }, (error) => {
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
