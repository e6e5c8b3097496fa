import { isIP } from 'node:net';
import { type ConnectionOptions } from 'node:tls';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';

/** What grpc-js gives tls.connect. It has no option that leaves the name out (grpc/grpc-node#1919). */
interface Connector {
  readonly connectionOptions?: ConnectionOptions;
}

/**
 * As createSsl, but a server that is named by its address is not sent that as its name, which RFC 6066 forbids and Node warns
 * of (DEP0123). Its certificate must be for the address all the same: without a name Node goes by the host.
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
