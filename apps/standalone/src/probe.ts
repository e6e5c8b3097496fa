import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { exchange, withoutUnhandledErrors } from '@fsb/component-base/http-exchange';
import { limited } from '@fsb/component-base/limited';
import { readBody } from '@fsb/component-base/read-body';

const PROBE_MS = 2_000;
const BODY_LIMIT = 16 * 1024 * 1024;

export interface ProbeOptions {
  /** PEM, for https */
  readonly ca?: string | undefined;
  readonly token?: string | undefined;
  /** PEM, of a client that shows a certificate */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** @returns undefined where the URL answers 200, else what it answers. Never throws. */
export async function probe(url: string, options: ProbeOptions = {}): Promise<string | undefined> {
  try {
    const { status } = await get(url, options);
    return status === 200 ? undefined : `answers ${status}`;
  } catch (error) {
    return error instanceof Error ? ('code' in error ? String(error.code) : '') || error.message : String(error);
  }
}

/**
 * A GET with a deadline, on a connection of its own.
 * @throws Error where there is no whole answer in two seconds, or one over 16 MiB
 */
export async function get(
  url: string,
  { token, ...pems }: ProbeOptions = {},
): Promise<{ status: number; body: string }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const isTls = url.startsWith('https:');
  const agent = withoutUnhandledErrors(isTls ? new HttpsAgent(pems) : new HttpAgent());
  return limited(PROBE_MS, undefined, async (signal) => {
    const outgoing = (isTls ? httpsRequest : httpRequest)(url, { headers, agent });
    const response = await exchange(outgoing, undefined, { signal });
    return { status: response.statusCode ?? 0, body: await readBody(response, BODY_LIMIT) };
  });
}
