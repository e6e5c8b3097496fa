/** Loads OpenTelemetry. Import it dynamically, only if traces are wanted. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { hostname } from 'node:os';
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { ApiError } from '@fsb/api/errors';
import { LoggingExporter } from './logging-exporter';
import { type OpenSpan, type SpanStart, type TracePosition, type Tracer } from './tracing';

export interface OtlpOptions {
  readonly service: string;
  /** URL of the collector, without `/v1/traces` */
  readonly endpoint: string;
  /** share of the traces that begin here to sample, 0 to 1; a caller's own decision wins */
  readonly share: number;
}

/** Limit of the last flush: an unreachable collector must not keep the process alive. */
const FLUSH_MS = 2_000;
const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;

/** Exports spans to an OTLP/HTTP collector. The current span is kept in an AsyncLocalStorage. */
export class OtlpTracer implements Tracer {
  private readonly current = new AsyncLocalStorage<Span>();
  private readonly provider: TracerProvider;
  private readonly tracer;

  constructor({ service, endpoint, share }: OtlpOptions) {
    const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
    this.provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.name': service,
        'service.namespace': 'fast-sandbox',
        'service.instance.id': `${hostname()}-${process.pid}`,
      }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
      spanProcessors: [
        new BatchSpanProcessor({ exporter: new LoggingExporter(exporter, endpoint), scheduledDelayMillis: 1_000 }),
      ],
    });
    this.tracer = this.provider.getTracer('fast-sandbox');
  }

  enter(span: SpanStart, traceparent: string | undefined): OpenSpan {
    const remote = traceparent === undefined ? null : parseTraceParent(traceparent);
    return this.open(span, remote ? trace.wrapSpanContext({ ...remote, isRemote: true }) : undefined);
  }

  below(span: SpanStart): OpenSpan | undefined {
    const parent = this.current.getStore();
    return parent && this.open(span, parent);
  }

  record(name: string, startedAt: number): void {
    const parent = this.current.getStore();
    // the SDK takes a number this small for a value of performance.now()
    if (parent) this.tracer.startSpan(name, { startTime: startedAt }, trace.setSpan(ROOT_CONTEXT, parent)).end();
  }

  position(): TracePosition | undefined {
    const context = this.current.getStore()?.spanContext();
    if (!context) return undefined;
    const { traceId, spanId, traceFlags } = context;
    return { traceId, traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}` };
  }

  async close(): Promise<void> {
    const limit = new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS).unref());
    await Promise.race([this.provider.shutdown(), limit]);
  }

  private open({ name, kind = 'internal', attributes = {} }: SpanStart, parent: Span | undefined): OpenSpan {
    const context = parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    const span = this.tracer.startSpan(name, { kind: KINDS[kind], attributes }, context);
    return {
      run: (work) => this.current.run(span, work),
      end: (error) => {
        if (error !== undefined) fail(span, error);
        span.end();
      },
    };
  }
}

/** Marks a span as failed. Only the message of an ApiError is exported: any other may hold what only the log should. */
function fail(span: Span, error: unknown): void {
  const isOurs = error instanceof ApiError;
  span.setAttribute('error.type', isOurs ? error.code : error instanceof Error ? error.name : 'unknown');
  span.setStatus({ code: SpanStatusCode.ERROR, ...(isOurs ? { message: error.message } : {}) });
}
