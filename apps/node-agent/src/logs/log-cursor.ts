import { droppedNotice } from './dropped-notice';
import { addTurn, bytesOf, type LogStream, spansOf, streamOf, type Turns } from './log-turns';
import { type LogPartApart, type OpenLog, type SandboxLogs } from './sandbox-logs';
import { type LogPlace } from './stream-index';

/** `merged`: both streams in order; `apart`: the same, with the stream of each byte; else one stream only. */
export type WantedStreams = 'merged' | 'apart' | LogStream;

export interface LogChunk {
  readonly data: Buffer;
  /** of `data`; empty for `merged` */
  readonly turns: Turns;
}

const NEWLINE = 0x0a;
const NO_BYTES = Buffer.alloc(0);
const END: LogPlace = { position: Infinity, stdout: Infinity };

/** Reads a log from a place on, with notices for dropped bytes. For one reader. */
export class LogCursor {
  private log: OpenLog | undefined;
  private position: number;
  /** bytes of stdout before `position` */
  private stdout: number;
  /** streams whose last byte did not end a line */
  private readonly midLine = new Set<LogStream>();
  /** the stream of the last byte */
  private last: LogStream = 'stdout';

  constructor(
    private readonly logs: SandboxLogs,
    private readonly id: string,
    from: LogPlace,
    private readonly wanted: WantedStreams,
  ) {
    ({ position: this.position, stdout: this.stdout } = from);
  }

  /**
   * Reads the next bytes up to `until`, after a notice for dropped ones.
   * @returns no bytes where all that were read are of the other stream; undefined where there are none yet
   */
  async next(until = END): Promise<LogChunk | undefined> {
    this.log ??= await this.logs.open(this.id);
    if (!this.log) return undefined;
    if (this.wanted === 'merged') return this.merged(this.log, until.position);
    const part = await this.log.readApart(this.position, until.position);
    if (part.dropped + part.data.length === 0) return undefined;
    const found = this.notices(part, part.stdout ?? until.stdout);
    const wanted = this.wanted === 'apart' ? part : only(this.wanted, part);
    for (const [turn, bytes] of wanted.turns.entries()) addTurn(found.turns, streamOf(turn), bytes);
    this.advance(part, part.stdout ?? until.stdout);
    return { data: Buffer.concat([...found.notices, wanted.data]), turns: found.turns };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log?.[Symbol.asyncDispose]();
  }

  private async merged(log: OpenLog, until: number): Promise<LogChunk | undefined> {
    const { dropped, data } = await log.read(this.position, until);
    if (dropped + data.length === 0) return undefined;
    this.position += dropped + data.length;
    const notice = dropped > 0 ? droppedNotice(dropped, this.midLine.has('stdout')) : NO_BYTES;
    if (dropped > 0) this.midLine.clear();
    this.noteMidLine('stdout', data);
    return { data: Buffer.concat([notice, data]), turns: [] };
  }

  /**
   * A notice for each stream that lost bytes, placed so that each stream, and both together, consist of whole lines.
   */
  private notices({ dropped }: LogPartApart, stdout: number): { readonly notices: Buffer[]; readonly turns: number[] } {
    const lostOut = stdout - this.stdout;
    const lost = { stdout: lostOut, stderr: dropped - lostOut };
    const notices: Buffer[] = [];
    const turns: number[] = [];
    let isMidLine = this.wanted === 'apart' && this.midLine.has(this.last);
    for (const stream of [this.last, this.last === 'stdout' ? 'stderr' : 'stdout'] as const) {
      if (lost[stream] <= 0 || (this.wanted !== 'apart' && this.wanted !== stream)) continue;
      const notice = droppedNotice(lost[stream], isMidLine || this.midLine.has(stream));
      notices.push(notice);
      addTurn(turns, stream, notice.length);
      this.midLine.delete(stream);
      isMidLine = false;
    }
    return { notices, turns };
  }

  private advance({ dropped, data, turns }: LogPartApart, stdout: number): void {
    this.position += dropped + data.length;
    this.stdout = stdout + bytesOf(turns, 'stdout');
    if (turns.length > 0) this.last = streamOf(turns.length - 1);
    let end = data.length;
    for (const turn of [turns.length - 1, turns.length - 2]) {
      const bytes = turns[turn] ?? 0;
      this.noteMidLine(streamOf(turn), data.subarray(end - bytes, end));
      end -= bytes;
    }
  }

  private noteMidLine(stream: LogStream, data: Buffer): void {
    if (data.length === 0) return;
    if (data.at(-1) === NEWLINE) this.midLine.delete(stream);
    else this.midLine.add(stream);
  }
}

/** Extracts the bytes of one stream. */
function only(stream: LogStream, { data, turns }: LogPartApart): LogChunk {
  const parts = spansOf(turns, 0, stream).map(({ from, until }) => data.subarray(from, until));
  const [first] = parts;
  const bytes = parts.length === 1 && first ? first : Buffer.concat(parts);
  const own: number[] = [];
  addTurn(own, stream, bytes.length);
  return { data: bytes, turns: own };
}
