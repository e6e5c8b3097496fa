import 'reflect-metadata';
import { runService } from '@fsb/component-base/bootstrap';
import { CallAudit } from './audit/call-audit';
import { gatewayFlags, gatewayProblems } from './gateway.config';
import { GATEWAY, GatewayModule } from './gateway.module';
import { GrpcHealth, grpcServer } from './grpc/grpc-server';
import { serverCredentials } from './grpc/server-credentials';

const health = new GrpcHealth();

void runService({
  name: GATEWAY,
  description: 'Serves fastpath.v1 over gRPC: makes a sandbox first and writes its object behind it.',
  examples: [
    'fastpath-gateway --kubeconfig ~/.kube/config --tls-cert-file tls.crt --tls-key-file tls.key',
    'fastpath-gateway --grpc-bind-address 127.0.0.1:9090 --insecure-plaintext',
  ],
  flags: gatewayFlags,
  problems: gatewayProblems,
  module: (config) => GatewayModule.forRoot(config, health),
  grpc: (config, app) =>
    grpcServer({
      address: config.grpcBindAddress,
      health,
      credentials: serverCredentials(config),
      interceptors: config.auditLogPath === '' ? [] : [app.get(CallAudit).interceptor],
    }),
});
