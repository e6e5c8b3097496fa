import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

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

/** A GET with a deadline. */
export function get(url: string, { token, ...pems }: ProbeOptions = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const options = { headers, signal: AbortSignal.timeout(PROBE_MS), agent: false, ...pems };
    const outgoing = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
        if (body.length > BODY_LIMIT) response.destroy(new Error('the answer is too large'));
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body });
      });
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
