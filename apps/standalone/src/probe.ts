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
  /** PEM, client certificate */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** deadline of the whole exchange; 2 s by default */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** @returns undefined when the URL answers 200, else the reason it does not. Never throws. */
export async function probe(url: string, options: ProbeOptions = {}): Promise<string | undefined> {
  try {
    const { status } = await get(url, options);
    return status === 200 ? undefined : `answers ${status}`;
  } catch (error) {
    return error instanceof Error ? ('code' in error ? String(error.code) : '') || error.message : String(error);
  }
}

/**
 * GET with a deadline, on a connection of its own.
 * @throws Error when there is no complete answer in time, or it exceeds 16 MiB
 */
export async function get(
  url: string,
  { token, timeoutMs = PROBE_MS, signal: outer, ...pems }: ProbeOptions = {},
): Promise<{ status: number; body: string }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const isTls = url.startsWith('https:');
  const agent = withoutUnhandledErrors(isTls ? new HttpsAgent(pems) : new HttpAgent());
  return limited(timeoutMs, outer, async (signal) => {
    const outgoing = (isTls ? httpsRequest : httpRequest)(url, { headers, agent });
    try {
      const response = await exchange(outgoing, undefined, { signal });
      return { status: response.statusCode ?? 0, body: await readBody(response, BODY_LIMIT) };
    } catch (error) {
      // an abort appears as "socket hang up"
      throw signal.aborted ? new Error(`no answer in ${timeoutMs / 1000} s`, { cause: error }) : error;
    }
  });
}
