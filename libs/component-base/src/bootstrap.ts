import { createServer, type Server } from 'node:http';
import { type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type GrpcOptions } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger } from 'nestjs-pino';
import { z } from 'zod';
import { ComponentModule } from './component.module';
import { address, type Address, type ConfigOf, flag, type Flags, loadConfig, type ProcessDescription } from './config';
import { SpanInterceptor } from './tracing/span.interceptor';
import { installedTracer, installTracer } from './tracing/tracing';

const commonFlags = {
  metricsBindAddress: flag(address().default({ host: '0.0.0.0', port: 9091 }), 'Where /metrics is served'),
  healthProbeBindAddress: flag(
    address().default({ host: '0.0.0.0', port: 5758 }),
    'Where /healthz and /readyz are served; equal to the metrics address: one listener',
  ),
  otelExporterOtlpEndpoint: flag(
    z.url({ protocol: /^https?$/, error: 'must be a URL such as http://collector:4318' }).optional(),
    'Where traces go, by OTLP over HTTP; absent: none are made',
  ),
  otelTracesSamplerArg: flag(
    z
      .string()
      .default('1')
      .transform(Number)
      .refine((share) => share >= 0 && share <= 1, 'must be from 0 to 1'),
    'The share of the traces beginning here that are made',
  ),
  v: flag(z.string().default('0').transform(Number), 'Log detail', 'LOG_VERBOSITY'),
};
export type CommonConfig = ConfigOf<typeof commonFlags>;

export interface ServiceDefinition<F extends Flags> extends ProcessDescription {
  readonly flags: F;
  readonly module: (config: ConfigOf<F> & CommonConfig) => DynamicModule | Type | Promise<DynamicModule | Type>;
  /** what no single flag can say is wrong; a line each, and the process ends with 78 */
  readonly problems?: (config: ConfigOf<F> & CommonConfig) => readonly string[];
  readonly grpc?: (config: ConfigOf<F> & CommonConfig) => GrpcOptions;
  /** the main HTTP listener, where it is not that of the health probes */
  readonly health?: (config: ConfigOf<F> & CommonConfig) => Address;
  /** Longest time between SIGTERM and the end; calls in flight get it. Default 25 s: Kubernetes kills at 30. */
  readonly shutdownDeadlineMs?: number;
}

/** 1 MiB: the largest body that any of the suite's HTTP endpoints takes. */
const BODY_LIMIT_BYTES = 1024 * 1024;

/** Reads the settings, starts the Nest app with its probes, and ends it in order on SIGTERM or SIGINT. */
export async function runService<F extends Flags>(service: ServiceDefinition<F>): Promise<void> {
  const config = loadConfig(
    service,
    { ...commonFlags, ...service.flags },
    process.argv.slice(2),
    process.env,
    service.problems as ((config: unknown) => readonly string[]) | undefined,
  ) as ConfigOf<F> & CommonConfig; // the spread of two flag sets has the keys of both, which TypeScript cannot see through F
  await startTracing(service.name, config);
  const app = await createApp(service, config);
  const main = service.health?.(config) ?? config.healthProbeBindAddress;
  await app.startAllMicroservices();
  await app.listen(main.port, main.host);
  listenForMetrics(app, main, config.metricsBindAddress);
  app.get(Logger).log({ msg: 'serving', http: `${main.host}:${main.port}` });
}

async function createApp<F extends Flags>(
  service: ServiceDefinition<F>,
  config: ConfigOf<F> & CommonConfig,
): Promise<NestFastifyApplication> {
  const root = ComponentModule.forRoot({ name: service.name, verbosity: config.v }, await service.module(config));
  const adapter = new FastifyAdapter({ bodyLimit: BODY_LIMIT_BYTES, forceCloseConnections: 'idle' });
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    bufferLogs: true,
    abortOnError: false,
  });
  app.useLogger(app.get(Logger));
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  const tracer = installedTracer();
  if (tracer) app.useGlobalInterceptors(new SpanInterceptor(tracer));
  armShutdownDeadline(service.shutdownDeadlineMs ?? 25_000);
  if (service.grpc) {
    app.connectMicroservice<GrpcOptions>(service.grpc(config), { inheritAppConfig: true });
  }
  return app;
}

/** Following the current span slows every promise of the process: nothing of it is loaded where nobody wants traces. */
async function startTracing(service: string, config: CommonConfig): Promise<void> {
  const { otelExporterOtlpEndpoint: endpoint, otelTracesSamplerArg: share } = config;
  if (endpoint === undefined) return;
  const { OtlpTracer } = await import('./tracing/otlp-tracer.js');
  installTracer(new OtlpTracer({ service, endpoint, share }));
}

/** A second door to the same Fastify, where the metrics have an address of their own. */
function listenForMetrics(app: NestFastifyApplication, main: Address, metrics: Address): void {
  if (metrics.port === 0 || (metrics.host === main.host && metrics.port === main.port)) return;
  const fastify = app.getHttpAdapter().getInstance();
  const server: Server = createServer((request, response) => {
    fastify.routing(request, response);
  });
  server.on('error', (error) => {
    app.get(Logger).error({ msg: 'no metrics listener', error: error.message });
  });
  server.listen(metrics.port, metrics.host).unref();
}

/** gRPC's drain has no limit of its own: a stream that never ends must not keep the process alive. */
function armShutdownDeadline(ms: number): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      setTimeout(() => process.exit(1), ms).unref();
    });
  }
}
