import { type Server, type ServerCredentials, type ServerInterceptor } from '@grpc/grpc-js';
import { type GrpcOptions, Transport } from '@nestjs/microservices';
import { FastPathServiceService } from '@fsb/api/gen/fastpath/v1/fastpath';
import { ImageServiceService } from '@fsb/api/gen/fastpath/v1/images';
import { SandboxLogServiceService } from '@fsb/api/gen/fastpath/v1/logs';
import { type Address } from '@fsb/component-base/config';
import { malformedRequestInterceptor, withMalformedRequests } from '@fsb/component-base/grpc/malformed-request';
import { trailersInterceptor } from '@fsb/component-base/grpc/trailers';
import { answeredInterceptor } from '@fsb/component-base/grpc/on-caller-left';
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
  // off: it keeps a record of each connection and call, which nothing reads
  'grpc.enable_channelz': 0,
  // of one connection; a client's gRPC library queues further calls
  'grpc.max_concurrent_streams': 100,
  // MiB that HTTP/2 buffers for one connection: headers, frames, data that a slow reader has not taken
  'grpc-node.max_session_memory': 32,
  // clients reconnect for their next call
  'grpc.max_connection_idle_ms': 600_000,
  // a peer that does not answer pings is gone, even if TCP has not noticed
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
};

/** State of grpc.health.v1: SERVING from the moment the caches are filled until shutdown begins. */
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
  /** further interceptors, the first to see a request first */
  readonly interceptors: readonly ServerInterceptor[];
}

/** Options of Nest's gRPC transport: services, limits, interceptors, health and reflection. */
export function grpcServer({ address, health, credentials, connections, interceptors }: GrpcServerParts): GrpcOptions {
  const { host, port } = address;
  return {
    transport: Transport.GRPC,
    options: {
      url: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      credentials,
      package: 'fastpath.v1',
      // ts-proto's service definitions have the shape of loadSync's, so no .proto is read at run time
      packageDefinition: SERVICES,
      gracefulShutdown: true,
      maxReceiveMessageLength: MAX_REQUEST_BYTES,
      // Nest passes these on as grpc-js's ServerOptions
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
        const grpc = server as Server; // Nest's type has only the method that Nest calls
        connections.guard(grpc);
        health.implementation.addToServer(grpc);
        reflectionService().addToServer(grpc);
      },
    },
  };
}
