import { Logger } from '@nestjs/common';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';

/** Says once that spans get lost, and once that they arrive again: the SDK itself says nothing. */
export class ToldExporter implements SpanExporter {
  private readonly logger = new Logger('Traces');
  private isFailing = false;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly endpoint: string,
  ) {}

  export(spans: ReadableSpan[], told: (result: ExportResult) => void): void {
    this.exporter.export(spans, (result) => {
      this.note(result);
      told({ code: ExportResultCode.SUCCESS }); // an error would go to a handler that prints it every second
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
