import { experimental, ServerCredentials } from '@grpc/grpc-js';
import { type GatewayConfig } from '../gateway.config';

/** A certificate that was renewed is served this much later at most. */
const REFRESH_MS = 30_000;

type TlsConfig = Pick<GatewayConfig, 'tlsCertFile' | 'tlsKeyFile' | 'clientCaFile' | 'insecurePlaintext'>;

/** TLS 1.2 and later from files that may change; a client certificate is checked where one is sent, and asked of nobody. */
export function serverCredentials(config: TlsConfig): ServerCredentials {
  const { tlsCertFile, tlsKeyFile, clientCaFile, insecurePlaintext } = config;
  if (insecurePlaintext || tlsCertFile === undefined || tlsKeyFile === undefined) {
    return ServerCredentials.createInsecure();
  }
  const { FileWatcherCertificateProvider } = experimental;
  const files = { certificateFile: tlsCertFile, privateKeyFile: tlsKeyFile };
  const identity = new FileWatcherCertificateProvider({ ...files, refreshIntervalMs: REFRESH_MS });
  const clientCa =
    clientCaFile === undefined
      ? null
      : new FileWatcherCertificateProvider({ caCertificateFile: clientCaFile, refreshIntervalMs: REFRESH_MS });
  return experimental.createCertificateProviderServerCredentials(identity, clientCa, false);
}
