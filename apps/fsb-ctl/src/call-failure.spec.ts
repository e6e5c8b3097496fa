import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { callFailure } from './call-failure';

const TARGET = { endpoint: 'g:9090', security: 'plaintext' } as const;
const failed = (details: string, code = status.UNAVAILABLE): ServiceError =>
  Object.assign(new Error(details), { code, details, metadata: new Metadata() });

describe('callFailure', () => {
  it.each([
    [
      'No connection established. Last error: Error: self-signed certificate. Resolution note:',
      'cannot be trusted (self-signed certificate): set --ca-file',
    ],
    [
      "No connection established. Last error: Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: . Resolution note:",
      "(Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list): set",
    ],
    [
      'No connection established. Last error: certificate has expired (2026-01-01). Resolution note: tried twice',
      'cannot be trusted (certificate has expired (2026-01-01)): set',
    ],
  ])('makes a whole sentence of "%s"', (details, said) => {
    const { message } = callFailure(failed(details), TARGET, 1000);
    expect(message).toContain(said);
    expect(message).not.toContain('Resolution note');
  });

  it.each([
    ['the API server does not answer', 'the API server does not answer (try again)'],
    ['the caches are being filled; try again', 'the caches are being filled; try again'],
    ['no agent is ready; try again, or see kubectl', 'no agent is ready; try again, or see kubectl'],
    ['', 'the gateway is unavailable (try again)'],
  ])('says once to try again after "%s"', (details, said) => {
    expect(callFailure(failed(details), TARGET, 1000).message).toBe(said);
  });

  it('names a time limit only where the call had reached one', () => {
    const { CANCELLED, DEADLINE_EXCEEDED } = status;
    const cancelled = failed('the server shuts down', CANCELLED);
    expect(callFailure(cancelled, TARGET, 1500).message).toContain('no answer from g:9090 within 1.5 s');
    const said = 'the gateway at g:9090 broke off the call (the server shuts down): try again';
    expect(callFailure(cancelled, TARGET, undefined).message).toBe(said);
    const late = failed('', DEADLINE_EXCEEDED);
    expect(callFailure(late, TARGET, undefined).message).toBe('the gateway at g:9090 broke off the call: try again');
  });
});
