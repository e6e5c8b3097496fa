import { type IncomingMessage } from 'node:http';
import { type DynamicModule, Global, Module, type Type } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { LoggerModule } from 'nestjs-pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { ProbesController } from './probes.controller';
import { Readiness } from './readiness';
import { TraceFlush } from './tracing/trace-flush';
import { installedTracer, tracePosition } from './tracing/tracing';

export interface ComponentOptions {
  readonly name: string;
  /** klog's scale: 0 info, 1 to 3 debug, 4 and above trace */
  readonly verbosity: number;
}

/** Root module of every process: logs, probes and metrics, around the service's own module. */
@Global()
@Module({})
export class ComponentModule {
  static forRoot({ name, verbosity }: ComponentOptions, app: Type | DynamicModule): DynamicModule {
    return {
      module: ComponentModule,
      imports: [
        LoggerModule.forRoot({
          pinoHttp: {
            level: levelOf(verbosity),
            base: { service: name, pid: process.pid },
            autoLogging: { ignore: isProbe },
            redact: ['req.headers.authorization'],
            ...(installedTracer() ? { mixin: traceFields } : {}),
          },
          // the middleware follows each request in an AsyncLocalStorage, which slows every promise of the process
          ...(verbosity > 0 ? {} : { forRoutes: [] }),
        }),
        TerminusModule.forRoot({ logger: false }),
        app,
      ],
      controllers: [ProbesController],
      providers: [Readiness, TraceFlush, { provide: Registry, useFactory: newRegistry }],
      exports: [Readiness, Registry],
    };
  }
}

const PROBE = /^\/(healthz|livez|readyz|metrics)(\?|$)/;

/** Whether a request is a probe or a scrape. Nest's middleware shortens `url`; `originalUrl` has the whole path. */
export function isProbe(request: IncomingMessage & { originalUrl?: string }): boolean {
  return PROBE.test(request.originalUrl ?? request.url ?? '');
}

/** Fields of a log line that is written in a span. */
function traceFields(): object {
  const position = tracePosition();
  return position ? { trace_id: position.traceId } : {};
}

/** A registry of this process's own. In prom-client's global one, two modules in a Jest worker would collide. */
function newRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

function levelOf(verbosity: number): string {
  if (verbosity === 0) return 'info';
  return verbosity < 4 ? 'debug' : 'trace';
}
