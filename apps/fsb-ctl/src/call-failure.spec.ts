import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { callFailure } from './call-failure';

const failed = (details: string): ServiceError =>
  Object.assign(new Error(details), { code: status.UNAVAILABLE, details, metadata: new Metadata() });

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
    const { message } = callFailure(failed(details), { endpoint: 'g:9090', security: 'plaintext' }, 1000);
    expect(message).toContain(said);
    expect(message).not.toContain('Resolution note');
  });
});
