import { type ServerResponse } from 'node:http';

export interface Pace {
  /** a reader who takes nothing for so long is cut off */
  readonly stallMs: number;
  /** the response ends with its source; else the source may have more later */
  readonly endsWithSource: boolean;
}

/**
 * Writes pieces as fast as the reader takes them. Each is made when there is room for it: a reader who stands still holds one,
 * whatever is left to say.
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
      this.clearClock();
      this.pump();
    });
    response.on('close', () => {
      this.isOver = true;
      this.clearClock();
    });
  }

  /** Writes what the source has, up to what the reader takes. To be called whenever it has more. */
  pump(): void {
    const { response } = this;
    while (!this.isOver && !response.writableNeedDrain) {
      const piece = this.source.next();
      if (piece.done !== true) response.write(piece.value);
      else if (this.pace.endsWithSource) this.end();
      else break;
    }
    if (response.writableNeedDrain) this.stalled ??= this.cutLater();
  }

  /** Ends the response behind what is written already. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.response.end();
    this.stalled ??= this.cutLater();
  }

  private clearClock(): void {
    clearTimeout(this.stalled);
    this.stalled = undefined;
  }

  private cutLater(): NodeJS.Timeout {
    return setTimeout(() => {
      this.response.destroy();
    }, this.pace.stallMs);
  }
}
