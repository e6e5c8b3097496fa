import { type Server, type ServerCredentials, type ServerInterceptor } from '@grpc/grpc-js';
import { type GrpcOptions, Transport } from '@nestjs/microservices';
import { FastPathServiceService } from '@fsb/api/gen/fastpath/v1/fastpath';
import { ImageServiceService } from '@fsb/api/gen/fastpath/v1/images';
import { SandboxLogServiceService } from '@fsb/api/gen/fastpath/v1/logs';
import { type Address } from '@fsb/component-base/config';
import { malformedRequestInterceptor, withMalformedRequests } from '@fsb/component-base/grpc/malformed-request';
import { trailersInterceptor } from '@fsb/component-base/grpc/trailers';
import { answeredInterceptor } from '@fsb/component-base/grpc/when-left';
import { HealthImplementation } from 'grpc-health-check';
import { reflectionService } from './reflection';
import { callLimitsInterceptor, MAX_REQUEST_BYTES } from './call-limits';
import { type ConnectionLimits } from './connection-limits';

const SERVICES = {
  'fastpath.v1.FastPathService': withMalformedRequests(FastPathServiceService),
  'fastpath.v1.SandboxLogService': withMalformedRequests(SandboxLogServiceService),
  'fastpath.v1.ImageService': withMalformedRequests(ImageServiceService),
};
const CONNECTION_LIMITS = {
  // nobody reads it, and it keeps a record of each connection and call
  'grpc.enable_channelz': 0,
  // of one connection; a client's own library holds back what is more
  'grpc.max_concurrent_streams': 100,
  // MiB that HTTP/2 itself keeps of one connection: headers, frames, what a slow reader has not taken
  'grpc-node.max_session_memory': 32,
  // clients connect anew when they have something to ask
  'grpc.max_connection_idle_ms': 600_000,
  // who does not answer is gone, whatever TCP believes
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
};

/** grpc.health.v1: serving once the caches are filled, until the shutdown begins. */
export class GrpcHealth {
  readonly implementation = new HealthImplementation();

  constructor() {
    this.set('NOT_SERVING');
  }

  set(status: 'SERVING' | 'NOT_SERVING'): void {
    for (const service of ['', ...Object.keys(SERVICES)]) this.implementation.setStatus(service, status);
  }
}

export interface GrpcServerParts {
  readonly address: Address;
  readonly health: GrpcHealth;
  readonly credentials: ServerCredentials;
  readonly connections: ConnectionLimits;
  /** in the order in which they see a request */
  readonly interceptors: readonly ServerInterceptor[];
}

export function grpcServer({ address, health, credentials, connections, interceptors }: GrpcServerParts): GrpcOptions {
  const { host, port } = address;
  return {
    transport: Transport.GRPC,
    options: {
      url: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      credentials,
      package: 'fastpath.v1',
      // ts-proto's own codec: no .proto is read to serve a call. Its service definitions are what loadSync would give.
      packageDefinition: SERVICES,
      gracefulShutdown: true,
      maxReceiveMessageLength: MAX_REQUEST_BYTES,
      // a ServerOptions, which Nest hands on whole
      channelOptions: {
        ...CONNECTION_LIMITS,
        interceptors: [
          callLimitsInterceptor,
          malformedRequestInterceptor,
          trailersInterceptor,
          ...interceptors,
          answeredInterceptor,
        ],
      },
      onLoadPackageDefinition: (_definition, server) => {
        const grpc = server as Server; // Nest types only the method that it calls itself
        connections.guard(grpc);
        health.implementation.addToServer(grpc);
        reflectionService().addToServer(grpc);
      },
    },
  };
}
