/** A span to open. Without a tracer, the usual case, each function of this file only reads one variable. */
export interface SpanStart {
  readonly name: string;
  /** default internal */
  readonly kind?: 'server' | 'client' | 'internal';
  readonly attributes?: Readonly<Record<string, string | number>>;
}

export interface OpenSpan {
  /** Runs `work` with this span as the current one, also for what it leaves running. */
  run<T>(work: () => T): T;
  /** @param error undefined for success */
  end(error?: unknown): void;
}

/** Position of the current span in its trace. */
export interface TracePosition {
  readonly traceId: string;
  /** value of the W3C header of that name */
  readonly traceparent: string;
}

export interface Tracer {
  /** Opens a span below one of another process. @param traceparent absent or malformed: begins a new trace */
  enter(span: SpanStart, traceparent: string | undefined): OpenSpan;
  /** Opens a span below the current one. @returns undefined if there is none */
  below(span: SpanStart): OpenSpan | undefined;
  /** Records a span below the current one. @param startedAt performance.now() at its beginning; it ends now */
  record(name: string, startedAt: number): void;
  position(): TracePosition | undefined;
  /** Exports the remaining spans. */
  close(): Promise<void>;
}

/** The process's tracer, installed before anything else starts. */
let tracer: Tracer | undefined;

export function installTracer(installed: Tracer | undefined): void {
  tracer = installed;
}

export function installedTracer(): Tracer | undefined {
  return tracer;
}

/** Runs `work` in a span below the current one; without a current span, runs it as it is. */
export function inSpan<T>(span: SpanStart, work: () => Promise<T>): Promise<T> {
  const open = tracer?.below(span);
  return open ? during(open, work) : work();
}

/**
 * Runs `work` in a span of another process's trace.
 * @param traceparent called only if there is a tracer; undefined: no span
 */
export function inTraceOf<T>(
  span: SpanStart,
  traceparent: () => string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const parent = tracer && traceparent();
  return tracer && parent !== undefined ? during(tracer.enter(span, parent), work) : work();
}

/** Records a span for work that is measured anyway. @param startedAt performance.now() at its beginning; it ends now */
export function recordSpan(name: string, startedAt: number): void {
  tracer?.record(name, startedAt);
}

export function tracePosition(): TracePosition | undefined {
  return tracer?.position();
}

async function during<T>(span: OpenSpan, work: () => Promise<T>): Promise<T> {
  try {
    const result = await span.run(work);
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}
