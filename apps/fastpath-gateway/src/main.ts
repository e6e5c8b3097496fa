import 'reflect-metadata';
import { runService } from '@fsb/component-base/bootstrap';
import { gatewayFlags } from './gateway.config';
import { GATEWAY, GatewayModule } from './gateway.module';
import { GrpcHealth, grpcServer } from './grpc/grpc-server';

const health = new GrpcHealth();

void runService({
  name: GATEWAY,
  description: 'Serves fastpath.v1 over gRPC: makes a sandbox first and writes its object behind it.',
  examples: [
    'fastpath-gateway --kubeconfig ~/.kube/config --agent-token-file /var/lib/fast-sandbox/agent-token',
    'fastpath-gateway --grpc-bind-address 0.0.0.0:9090 --fastpath-consistency-mode strong',
  ],
  flags: gatewayFlags,
  module: (config) => GatewayModule.forRoot(config, health),
  grpc: ({ grpcBindAddress }) => grpcServer(grpcBindAddress, health),
});
