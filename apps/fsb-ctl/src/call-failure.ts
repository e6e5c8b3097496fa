import { type ServiceError, status } from '@grpc/grpc-js';
import { CommandError } from './command-error';
import { credentialOf, type Security } from './connection-source';
import type { Settings } from './settings';

/** What grpc-js itself says when no call could be sent; anything else of that code was said by the gateway. */
const NOT_CONNECTED = /^(No connection established|Name resolution failed)/;
/** The same of a certificate that is not believed, or of a server that speaks no TLS. */
const NOT_TRUSTED = /certificate|altnames|SSL routines|secure TLS connection/;
const BROKEN = /ECONNRESET|Connection dropped|EPIPE|Keepalive timeout|Stream removed|Received RST_STREAM/;

type Target = Pick<Settings, 'endpoint' | 'security'>;

/** A failed call as a line that says what to do next. */
export function callFailure(error: unknown, { endpoint, security }: Target, limitMs: number): CommandError {
  if (!isServiceError(error)) return new CommandError(error instanceof Error ? error.message : String(error));
  const said = error.details.replace(/\s+/g, ' ').trim();
  switch (error.code) {
    case status.UNAVAILABLE:
      return unavailable(said, { endpoint, security });
    case status.DEADLINE_EXCEEDED:
    case status.CANCELLED:
      return new CommandError(
        `no answer from ${endpoint} within ${limitMs / 1_000} s: see what exists with \`fsb-ctl list\`, ` +
          'allow more with --timeout, or set --endpoint',
      );
    case status.UNIMPLEMENTED:
      return new CommandError(`the gateway at ${endpoint} cannot do this: ${said}`);
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return new CommandError(`the gateway at ${endpoint} does not allow this: ${said}${hintOf(security)}`);
    case status.NOT_FOUND:
      return new CommandError(said, 1, true);
    default:
      return new CommandError(said === '' ? `the gateway answered ${status[error.code]}` : said);
  }
}

function hintOf(security: Security): string {
  return security !== 'plaintext' && credentialOf(security) === undefined
    ? ' (no token was sent: give --token-file)'
    : '';
}

function unavailable(said: string, { endpoint, security }: Target): CommandError {
  if (NOT_CONNECTED.test(said)) {
    if (!NOT_TRUSTED.test(said)) {
      const hint =
        security === 'plaintext' ? ', or leave out --insecure-plaintext: one with TLS answers nothing else' : '';
      return new CommandError(
        `no gateway answers at ${endpoint}: start one with \`make up\`, or set --endpoint${hint}`,
      );
    }
    const why = reasonOf(said);
    const hint = 'set --ca-file, or --insecure-plaintext for one without TLS';
    return new CommandError(`the gateway at ${endpoint} cannot be trusted (${why}): ${hint}`);
  }
  return BROKEN.test(said)
    ? new CommandError(`the connection to ${endpoint} broke off (${said}): try again`)
    : new CommandError(`${said} (try again)`);
}

/** grpc-js puts its own words around what TLS said, and a note that is empty as a rule. */
function reasonOf(said: string): string {
  return said
    .replace(/^.*Last error: /, '')
    .replace(/\.?\s*Resolution note:.*$/, '')
    .replace(/^Error(?: \[\w+\])?: /, '')
    .replace(/: \.?$/, '');
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}
