import { isIP } from 'node:net';
import { type ConnectionOptions } from 'node:tls';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';

/** Options that grpc-js passes to tls.connect. It has none of its own that omits the name (grpc/grpc-node#1919). */
interface Connector {
  readonly connectionOptions?: ConnectionOptions;
}

/**
 * createSsl, but without SNI for a server named by its IP address: RFC 6066 forbids an address there, and Node warns
 * (DEP0123). The certificate must still be for the address: without a server name Node checks the host.
 */
export function tlsCredentials(...given: Parameters<typeof credentials.createSsl>): ChannelCredentials {
  const channel = credentials.createSsl(...given);
  const connectorOf = channel._createSecureConnector.bind(channel);
  channel._createSecureConnector = (...target) => {
    const connector: ReturnType<typeof connectorOf> & Connector = connectorOf(...target);
    const { connectionOptions } = connector;
    if (connectionOptions && isIP(connectionOptions.servername ?? '') > 0) delete connectionOptions.servername;
    return connector;
  };
  return channel;
}
