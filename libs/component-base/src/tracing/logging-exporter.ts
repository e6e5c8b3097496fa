import { Logger } from '@nestjs/common';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';

/** Logs once when spans begin to be lost, and once when they arrive again; the SDK logs neither. */
export class LoggingExporter implements SpanExporter {
  private readonly logger = new Logger('Traces');
  private isFailing = false;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly endpoint: string,
  ) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.exporter.export(spans, (result) => {
      this.note(result);
      done({ code: ExportResultCode.SUCCESS }); // the SDK would print an error every second
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  forceFlush(): Promise<void> {
    return this.exporter.forceFlush?.() ?? Promise.resolve();
  }

  private note({ code, error }: ExportResult): void {
    const fails = code !== ExportResultCode.SUCCESS;
    if (fails === this.isFailing) return;
    this.isFailing = fails;
    const { endpoint } = this;
    if (fails) this.logger.warn({ msg: 'traces are lost', endpoint, error: error?.message });
    else this.logger.log({ msg: 'traces arrive again', endpoint });
  }
}
