/** Spans around work. Without a tracer, which is the usual case, each of these costs a look at one variable. */
export interface SpanStart {
  readonly name: string;
  /** default internal */
  readonly kind?: 'server' | 'client' | 'internal';
  readonly attributes?: Readonly<Record<string, string | number>>;
}

export interface OpenSpan {
  /** What begins in `work`, also what it leaves running, has this span as its current one. */
  run<T>(work: () => T): T;
  /** @param error why it failed; undefined: it did not */
  end(error?: unknown): void;
}

/** Where a process is in a trace. */
export interface TracePosition {
  readonly traceId: string;
  /** as in W3C's header of that name */
  readonly traceparent: string;
}

export interface Tracer {
  /** A span below one of another process. @param traceparent absent or malformed: the first of a new trace */
  enter(span: SpanStart, traceparent: string | undefined): OpenSpan;
  /** Below the current span. @returns undefined where there is none */
  below(span: SpanStart): OpenSpan | undefined;
  /** A span below the current one that began at `startedAt` (performance.now()) and ends now. */
  record(name: string, startedAt: number): void;
  position(): TracePosition | undefined;
  /** Sends what it has. */
  close(): Promise<void>;
}

/** A process has one, from before anything starts to its end. */
let tracer: Tracer | undefined;

export function installTracer(installed: Tracer | undefined): void {
  tracer = installed;
}

export function installedTracer(): Tracer | undefined {
  return tracer;
}

/** Runs `work` in a span below the current one, and alone where there is none. */
export function inSpan<T>(span: SpanStart, work: () => Promise<T>): Promise<T> {
  const open = tracer?.below(span);
  return open ? during(open, work) : work();
}

/**
 * Runs `work` in a span of somebody else's trace.
 * @param traceparent asked where there is a tracer; undefined: no span
 */
export function inTraceOf<T>(
  span: SpanStart,
  traceparent: () => string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const parent = tracer && traceparent();
  return tracer && parent !== undefined ? during(tracer.enter(span, parent), work) : work();
}

/** A span for work that is measured anyway. @param startedAt performance.now() of its beginning; it ends now */
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
