import { address, type ConfigOf, duration, flag, port } from '@fsb/component-base/config';
import { kubeFlags } from '@fsb/controller-runtime/kube.module';
import { z } from 'zod';

export const gatewayFlags = {
  ...kubeFlags,
  grpcBindAddress: flag(
    address().default({ host: '127.0.0.1', port: 9090 }),
    'Where fastpath.v1, health and reflection are served over gRPC',
  ),
  agentPort: flag(port().default(5758), 'Where the agents serve their API'),
  agentTokenFile: flag(
    z.string().default('/var/lib/fast-sandbox/agent-token'),
    'File with the token that the agents want to see',
  ),
  fastpathConsistencyMode: flag(
    z.enum(['fast', 'strong'], 'must be fast or strong').default('fast'),
    'Mode of creates that ask for none: fast makes the container first, strong the object',
  ),
  fastpathOrphanTimeout: flag(
    duration().default(10_000),
    'How long this gateway alone tries to write the object of a sandbox; then others may adopt it, as in 10s',
  ),
};
export type GatewayConfig = ConfigOf<typeof gatewayFlags>;
