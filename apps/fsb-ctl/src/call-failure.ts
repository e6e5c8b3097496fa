import { type ServiceError, status } from '@grpc/grpc-js';
import { CommandError } from './command-error';
import { credentialOf, type Security } from './connection-source';
import type { ConnectionSettings } from './settings';

/** UNAVAILABLE messages of grpc-js itself: no call could be sent. Any other message of that code is the gateway's. */
const NOT_CONNECTED = /^(No connection established|Name resolution failed)/;
/** Of these, the ones about a certificate that is not trusted, or a server without TLS. */
const NOT_TRUSTED = /certificate|altnames|SSL routines|secure TLS connection/;
/** Advice that some of the gateway's messages give themselves. */
const TRY_AGAIN = /\btry again\b/;
const BROKEN = /ECONNRESET|Connection dropped|EPIPE|Keepalive timeout|Stream removed|Received RST_STREAM/;

type Target = Pick<ConnectionSettings, 'endpoint' | 'security'>;

/**
 * The error of a failed call as one line that says what to do next.
 * @param limitMs time limit of the call, milliseconds; undefined: it had none, or did not reach it
 */
export function callFailure(error: unknown, { endpoint, security }: Target, limitMs: number | undefined): CommandError {
  if (!isServiceError(error)) return new CommandError(error instanceof Error ? error.message : String(error));
  const details = error.details.replace(/\s+/g, ' ').trim();
  switch (error.code) {
    case status.UNAVAILABLE:
      return unavailable(details, { endpoint, security });
    case status.DEADLINE_EXCEEDED:
    case status.CANCELLED:
      return limitMs === undefined ? brokenOff(details, endpoint) : unanswered(endpoint, limitMs);
    case status.UNIMPLEMENTED:
      return new CommandError(`the gateway at ${endpoint} does not support this: ${details}`);
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return new CommandError(`the gateway at ${endpoint} does not allow this: ${details}${hintOf(security)}`);
    case status.NOT_FOUND:
      return new CommandError(details, 1, true);
    default:
      return new CommandError(details === '' ? `the gateway answered ${status[error.code]}` : details);
  }
}

function unanswered(endpoint: string, limitMs: number): CommandError {
  return new CommandError(
    `no answer from ${endpoint} within ${limitMs / 1_000} s: check with \`fsb-ctl list\` what exists, ` +
      'raise --timeout, or correct --endpoint',
  );
}

/** A stream that the gateway, or a proxy before it, has ended. */
function brokenOff(details: string, endpoint: string): CommandError {
  const why = details === '' ? '' : ` (${details})`;
  return new CommandError(
    `the gateway at ${endpoint} broke off the call${why}${TRY_AGAIN.test(why) ? '' : ': try again'}`,
  );
}

function hintOf(security: Security): string {
  return security !== 'plaintext' && credentialOf(security) === undefined
    ? ' (no token was sent: give --token-file)'
    : '';
}

function unavailable(details: string, { endpoint, security }: Target): CommandError {
  if (NOT_CONNECTED.test(details)) {
    if (!NOT_TRUSTED.test(details)) {
      const hint = security === 'plaintext' ? '; if it has TLS, leave out --insecure-plaintext' : '';
      return new CommandError(
        `no gateway answers at ${endpoint}: start one with \`make up\`, or set --endpoint${hint}`,
      );
    }
    const why = reasonOf(details);
    const hint = 'set --ca-file, or --insecure-plaintext if it has no TLS';
    return new CommandError(`the gateway at ${endpoint} cannot be trusted (${why}): ${hint}`);
  }
  return BROKEN.test(details)
    ? new CommandError(`the connection to ${endpoint} was lost (${details}): try again`)
    : new CommandError(TRY_AGAIN.test(details) ? details : `${details || 'the gateway is unavailable'} (try again)`);
}

/** The TLS error alone, without the prefix and the (mostly empty) resolution note of grpc-js. */
function reasonOf(details: string): string {
  return details
    .replace(/^.*Last error: /, '')
    .replace(/\.?\s*Resolution note:.*$/, '')
    .replace(/^Error(?: \[\w+\])?: /, '')
    .replace(/: \.?$/, '');
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}
