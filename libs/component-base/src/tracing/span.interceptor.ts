import { type CallHandler, type ExecutionContext, Logger, type NestInterceptor } from '@nestjs/common';
import { type Metadata, type ServerUnaryCall } from '@grpc/grpc-js';
import { type FastifyRequest } from 'fastify';
import { type Observable, tap } from 'rxjs';
import { type OpenSpan, type SpanStart, type Tracer } from './tracing';

interface Entered {
  readonly name: string;
  readonly span: OpenSpan;
}

/** Continues the caller's trace: a span for each gRPC call, and for each HTTP request with a traceparent. */
export class SpanInterceptor implements NestInterceptor {
  private readonly logger = new Logger('Calls');

  constructor(private readonly tracer: Tracer) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const entered = context.getType() === 'rpc' ? this.ofCall(context) : this.ofRequest(context);
    if (!entered) return next.handle();
    const { name, span } = entered;
    const started = performance.now();
    let failure: unknown;
    return span
      .run(() => next.handle()) // the handler inherits the async context of this call
      .pipe(
        tap({
          error: (error: unknown) => {
            failure = error ?? 'unknown';
          },
          finalize: () => {
            const ms = Math.round((performance.now() - started) * 100) / 100;
            span.run(() => {
              this.logger.debug({ msg: failure === undefined ? 'answered' : 'refused', call: name, ms });
            });
            span.end(failure);
          },
        }),
      );
  }

  private ofCall(context: ExecutionContext): Entered {
    const [, metadata, call] = context.getArgs<[unknown, Metadata, ServerUnaryCall<unknown, unknown>]>();
    const [service = '', method = ''] = call.getPath().slice(1).split('/');
    const attributes = { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method };
    const [traceparent] = metadata.get('traceparent');
    return this.enter({ name: `${service}/${method}`, attributes }, traceparent?.toString());
  }

  private ofRequest(context: ExecutionContext): Entered | undefined {
    const { method, url, headers } = context.switchToHttp().getRequest<FastifyRequest>();
    const { traceparent } = headers;
    // probes, scrapes and status streams belong to no trace
    if (typeof traceparent !== 'string') return undefined;
    const [path = ''] = url.split('?');
    const attributes = { 'http.request.method': method, 'url.path': path };
    return this.enter({ name: `${method} ${path}`, attributes }, traceparent);
  }

  private enter(start: SpanStart, traceparent: string | undefined): Entered {
    return { name: start.name, span: this.tracer.enter({ ...start, kind: 'server' }, traceparent) };
  }
}
