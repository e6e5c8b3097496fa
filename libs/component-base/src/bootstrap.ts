import { createServer, type Server } from 'node:http';
import { type Server as HttpsServer } from 'node:https';
import { BadRequestException, type DynamicModule, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type GrpcOptions } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyInstance } from 'fastify';
import { Logger } from 'nestjs-pino';
import { z } from 'zod';
import { ComponentModule, isProbe } from './component.module';
import { type TlsSource } from './tls-folder';
import {
  address,
  type Address,
  type ConfigOf,
  flag,
  type Flags,
  loadConfig,
  type ProcessDescription,
  wholeNumber,
} from './config';
import { jsonLimitExceeded } from './json-shape';
import { SpanInterceptor } from './tracing/span.interceptor';
import { installedTracer, installTracer } from './tracing/tracing';

const commonFlags = {
  metricsBindAddress: flag(address().default({ host: '0.0.0.0', port: 9091 }), 'Address of /metrics'),
  healthProbeBindAddress: flag(
    address().default({ host: '0.0.0.0', port: 5758 }),
    'Address of /healthz and /readyz; may equal --metrics-bind-address, which makes one listener of both',
  ),
  otelExporterOtlpEndpoint: flag(
    z.url({ protocol: /^https?$/, error: 'must be a URL such as http://collector:4318' }).optional(),
    'Collector of traces, by OTLP over HTTP; absent: no traces',
  ),
  otelTracesSamplerArg: flag(
    z
      .string()
      .default('1')
      .transform(Number)
      .refine((share) => share >= 0 && share <= 1, 'must be from 0 to 1'),
    "Share of traces to sample, from 0 to 1, of those that begin in this process; a caller's own decision wins",
  ),
  v: flag(wholeNumber(0, 99).default(0), 'Log detail', 'LOG_VERBOSITY'),
};
export type CommonConfig = ConfigOf<typeof commonFlags>;

export interface ServiceDefinition<F extends Flags> extends ProcessDescription {
  readonly flags: F;
  readonly module: (config: ConfigOf<F> & CommonConfig) => DynamicModule | Type | Promise<DynamicModule | Type>;
  /** problems that involve several flags, one line each; any makes the process exit with 78 */
  readonly problems?: (config: ConfigOf<F> & CommonConfig) => readonly string[];
  /** @param app its providers exist already */
  readonly grpc?: (config: ConfigOf<F> & CommonConfig, app: INestApplicationContext) => GrpcOptions;
  /** an additional HTTP API over mutual TLS, at an address other than those of probes and metrics */
  readonly api?: (config: ConfigOf<F> & CommonConfig) => ApiListener;
  /** longest time between SIGTERM and exit, for calls in flight; default 25,000, since Kubernetes kills after 30 s */
  readonly shutdownDeadlineMs?: number;
}

export interface ApiListener {
  readonly address: Address;
  /** server identity, and the CA of the clients that may call */
  readonly tls: TlsSource;
}

/** 1 MiB: the largest body that any of the suite's HTTP endpoints takes. */
const BODY_LIMIT_BYTES = 1024 * 1024;

/** Limits for slow clients, in milliseconds: a create is only some kilobytes. Node checks them every two seconds. */
const HTTP_LIMITS = { headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 2_000 };
/** Limit of a TLS handshake; Node's default is two minutes. */
const HANDSHAKE_MS = 10_000;

/**
 * Reads the settings, starts the Nest app with probes and metrics, and shuts it down gracefully on SIGTERM or SIGINT.
 * Invalid settings exit the process with 78.
 * @example void runService({ name, description, flags, module: (config) => JanitorModule.forRoot(config) })
 */
export async function runService<F extends Flags>(service: ServiceDefinition<F>): Promise<void> {
  const config = loadConfig(
    service,
    { ...commonFlags, ...service.flags },
    process.argv.slice(2),
    process.env,
    service.problems as ((config: unknown) => readonly string[]) | undefined,
  ) as ConfigOf<F> & CommonConfig; // the spread has the keys of both flag sets, which TypeScript cannot see through F
  await startTracing(service.name, config);
  const api = service.api?.(config);
  const app = await createApp(service, config, api?.tls);
  const main = api?.address ?? config.healthProbeBindAddress;
  await app.startAllMicroservices();
  await app.listen(main.port, main.host);
  listenForProbes(app, main, [config.healthProbeBindAddress, config.metricsBindAddress]);
  app.get(Logger).log({ msg: 'serving', http: `${main.host}:${main.port}` });
}

async function createApp<F extends Flags>(
  service: ServiceDefinition<F>,
  config: ConfigOf<F> & CommonConfig,
  tls: TlsSource | undefined,
): Promise<NestFastifyApplication> {
  const root = ComponentModule.forRoot({ name: service.name, verbosity: config.v }, await service.module(config));
  const adapter = adapterFor(tls);
  readJsonWithin(adapter.getInstance());
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    ...{ bufferLogs: true, abortOnError: false, bodyParser: false },
  });
  app.useLogger(app.get(Logger));
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  const tracer = installedTracer();
  if (tracer) app.useGlobalInterceptors(new SpanInterceptor(tracer));
  armShutdownDeadline(service.shutdownDeadlineMs ?? 25_000);
  if (service.grpc) {
    app.connectMicroservice<GrpcOptions>(service.grpc(config, app), { inheritAppConfig: true });
  }
  return app;
}

/** OpenTelemetry is loaded only if traces are wanted: following the current span slows every promise of the process. */
async function startTracing(service: string, config: CommonConfig): Promise<void> {
  const { otelExporterOtlpEndpoint: endpoint, otelTracesSamplerArg: share } = config;
  if (endpoint === undefined) return;
  const { OtlpTracer } = await import('./tracing/otlp-tracer.js');
  installTracer(new OtlpTracer({ service, endpoint, share }));
}

/** With a TLS identity, a client without a certificate of its CA is rejected in the handshake. */
function adapterFor(tls: TlsSource | undefined): FastifyAdapter {
  const { requestTimeout } = HTTP_LIMITS; // Fastify's default of 0 would override Node's
  const options = { bodyLimit: BODY_LIMIT_BYTES, forceCloseConnections: 'idle', requestTimeout } as const;
  if (!tls) return new FastifyAdapter({ ...options, http: HTTP_LIMITS });
  const limits = { ...HTTP_LIMITS, handshakeTimeout: HANDSHAKE_MS };
  const https = {
    ...limits,
    ...tls.current,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  } as const;
  const adapter = new FastifyAdapter({ ...options, https });
  const server = adapter.getInstance().server as unknown as HttpsServer; // made with `https`, which the type lacks
  tls.onChange((identity) => {
    server.setSecureContext({ ...identity, minVersion: 'TLSv1.3' });
  });
  return adapter;
}

/** Limits the nesting of JSON bodies. Nest's and Fastify's parsers do not; recursive walks may overflow the stack. */
function readJsonWithin(fastify: FastifyInstance): void {
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const excess = jsonLimitExceeded(body as Buffer);
    if (excess === undefined) void parse(request, body.toString(), done);
    else done(new BadRequestException(`the body ${excess}`));
  });
}

/** Further listeners of the same Fastify, which serve only probes and metrics. */
function listenForProbes(app: NestFastifyApplication, main: Address, addresses: readonly Address[]): void {
  const fastify = app.getHttpAdapter().getInstance();
  const known = new Set([nameOf(main)]);
  for (const { host, port } of addresses) {
    if (port === 0 || known.has(nameOf({ host, port }))) continue;
    known.add(nameOf({ host, port }));
    const server: Server = createServer(HTTP_LIMITS, (request, response) => {
      if (isProbe(request)) fastify.routing(request, response);
      else response.writeHead(404).end();
    });
    server.on('error', (error) => {
      app.get(Logger).error({ msg: `no listener at ${host}:${port}`, error: error.message });
    });
    server.listen(port, host).unref();
  }
}

function nameOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

/** Exits at the deadline. gRPC's drain has none, and a stream without an end must not keep the process alive. */
function armShutdownDeadline(ms: number): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      setTimeout(() => process.exit(1), ms).unref();
    });
  }
}
