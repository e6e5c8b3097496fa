import { randomUUID } from 'node:crypto';
import { type ServerResponse } from 'node:http';
import { type Json } from '../kube-object';
import { StatusError } from '../status-error';
import { PacedWriter } from './paced-writer';

/** Sets the status and the headers of every answer. */
export function writeHead(response: ServerResponse, code: number, contentType: string): void {
  response.statusCode = code;
  response.setHeader('content-type', contentType);
  response.setHeader('cache-control', 'no-cache, private');
  response.setHeader('audit-id', randomUUID());
}

export function sendText(response: ServerResponse, code: number, text: string): void {
  writeHead(response, code, 'text/plain; charset=utf-8');
  response.end(text);
}

export function sendJson(response: ServerResponse, code: number, body: Json): void {
  writeHead(response, code, 'application/json');
  response.end(JSON.stringify(body));
}

/** Sends a large answer piece by piece, with backpressure. */
export function sendPieces(response: ServerResponse, pieces: Iterator<string, undefined>, stallMs: number): void {
  writeHead(response, 200, 'application/json');
  new PacedWriter(response, pieces, { stallMs, endsWithSource: true }).pump();
}

/** Warning headers of RFC 7234, which kubectl prints. */
export function setWarnings(response: ServerResponse, warnings: readonly string[]): void {
  if (warnings.length === 0) return;
  const quoted = warnings.map((text) => `299 - "${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`);
  response.setHeader('warning', quoted);
}

/** Sends a Status. @returns whether the error is unexpected and should be logged */
export function sendError(response: ServerResponse, error: unknown): boolean {
  const isKnown = error instanceof StatusError;
  const status = isKnown
    ? error
    : new StatusError(500, 'InternalError', 'internal error; the log of the API server says more');
  if (response.headersSent) response.destroy();
  else {
    const { retryAfterSeconds } = status.details ?? {};
    if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds));
    if (status.code === 413) response.setHeader('connection', 'close'); // the rest of the body is not read
    sendJson(response, status.code, status.toStatus());
  }
  return !isKnown;
}
