import { type ServerResponse } from 'node:http';

export interface Pace {
  /** a client that reads nothing for so long is disconnected */
  readonly stallMs: number;
  /** ends the response with its source; false: the source may have more later */
  readonly endsWithSource: boolean;
}

/**
 * Writes pieces with backpressure. Each is generated when there is room for it, so a stalled client holds one piece in
 * memory, however many are left.
 */
export class PacedWriter {
  private isOver = false;
  private stalled: NodeJS.Timeout | undefined;

  constructor(
    private readonly response: ServerResponse,
    private readonly source: Iterator<string, undefined>,
    private readonly pace: Pace,
  ) {
    response.on('drain', () => {
      this.clearStallTimer();
      this.pump();
    });
    response.on('close', () => {
      this.isOver = true;
      this.clearStallTimer();
    });
  }

  /** Writes what the source has while there is room. Call it whenever the source has more. */
  pump(): void {
    const { response } = this;
    while (!this.isOver && !response.writableNeedDrain) {
      const piece = this.source.next();
      if (piece.done !== true) response.write(piece.value);
      else if (this.pace.endsWithSource) this.end();
      else break;
    }
    if (response.writableNeedDrain) this.stalled ??= this.startStallTimer();
  }

  /** Ends the response after what is already written. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.response.end();
    this.stalled ??= this.startStallTimer();
  }

  private clearStallTimer(): void {
    clearTimeout(this.stalled);
    this.stalled = undefined;
  }

  private startStallTimer(): NodeJS.Timeout {
    return setTimeout(() => {
      this.response.destroy();
    }, this.pace.stallMs);
  }
}
