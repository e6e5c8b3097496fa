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

/** What every process has: logs, probes, metrics. The root of each service, around its own module. */
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
          // its middleware follows each request through an AsyncLocalStorage, which slows every promise of the process
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

/** Nest mounts its middleware below a prefix and shortens `url`: the whole one is in `originalUrl`. */
export function isProbe(request: IncomingMessage & { originalUrl?: string }): boolean {
  return PROBE.test(request.originalUrl ?? request.url ?? '');
}

/** Of the lines that are written in a span. */
function traceFields(): object {
  const position = tracePosition();
  return position ? { trace_id: position.traceId } : {};
}

/** One registry per process, not prom-client's global one: two modules in one Jest worker would collide. */
function newRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

function levelOf(verbosity: number): string {
  if (verbosity === 0) return 'info';
  return verbosity < 4 ? 'debug' : 'trace';
}
