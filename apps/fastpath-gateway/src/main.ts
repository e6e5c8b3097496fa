import 'reflect-metadata';
import { runService } from '@fsb/component-base/bootstrap';
import { BlockList } from 'node:net';
import { type INestApplicationContext } from '@nestjs/common';
import { Access } from './access/access';
import { authenticationInterceptor } from './access/authentication-interceptor';
import { CallAudit } from './audit/call-audit';
import { type GatewayConfig, gatewayFlags, gatewayProblems } from './gateway.config';
import { GATEWAY, GatewayModule } from './gateway.module';
import { ConnectionLimits } from './grpc/connection-limits';
import { GrpcHealth, grpcServer, type GrpcServerParts } from './grpc/grpc-server';
import { serverCredentials } from './grpc/server-credentials';
import { CallSeats } from './quota/call-seats';

const health = new GrpcHealth();

/** Connection limits and interceptors. The audit comes before authentication, so that it also records refused calls. */
function guards(
  config: GatewayConfig,
  app: INestApplicationContext,
): Pick<GrpcServerParts, 'connections' | 'interceptors'> {
  const connections = new ConnectionLimits({
    perAddress: config.maxConnectionsPerAddress,
    perUser: config.maxConnectionsPerUser,
    trustedProxies: config.trustedProxyCidrs ?? new BlockList(),
  });
  const { authenticator } = app.get(Access);
  const audit = config.auditLogPath === '' ? [] : [app.get(CallAudit).interceptor];
  return {
    connections,
    interceptors: [
      ...audit,
      ...(authenticator ? [authenticationInterceptor(authenticator, connections, app.get(CallSeats))] : []),
    ],
  };
}

void runService({
  name: GATEWAY,
  description: 'Serves fastpath.v1 over gRPC: starts a sandbox first and writes its Sandbox object after the answer.',
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
      ...guards(config, app),
    }),
});
