import { experimental, ServerCredentials } from '@grpc/grpc-js';
import { type GatewayConfig } from '../gateway.config';

/** Interval between looks at the certificate files, and so the longest delay before a renewed certificate is served. */
const REFRESH_MS = 30_000;

type TlsConfig = Pick<GatewayConfig, 'tlsCertFile' | 'tlsKeyFile' | 'clientCaFile' | 'insecurePlaintext'>;

/** TLS 1.2 or later, from files that are reloaded. A client certificate is optional; one that is sent is verified. */
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
