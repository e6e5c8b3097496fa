import { indexIn, type Output } from './output';

/** `all`: from the first byte. `kept`: from any line on. `last`: the last `lines` lines. */
export type Start =
  { readonly from: 'all' } | { readonly from: 'kept' } | { readonly from: 'last'; readonly lines: number };

export interface Expectation {
  readonly start: Start;
  /** whether the last byte must come; false when the reader leaves or the sandbox is ended */
  readonly toTheEnd: boolean;
}

export type OutputFault =
  | 'log: nothing came'
  | 'log: its end is missing'
  | 'log: lines are missing'
  | 'log: lines come twice'
  | 'log: begins within a line'
  | 'log: other bytes';

export interface OutputProblem {
  readonly kind: OutputFault;
  readonly expected: string;
  readonly came: string;
}

/** The notice that a log has in place of lost bytes. In mid-line, the newline before it is not the process' own. */
const DROPPED = /^(\n?)--- fast-sandbox: (\d+) bytes dropped( in mid-line)?: [^\n]*---\n/;
const SHOWN = 100;
const LONGEST_LINE = 400;

/** Compares a stream with the output that a process wrote, byte by byte, without storing either. */
export class OutputCheck {
  private readonly expected: Expected;
  private problem: OutputProblem | undefined;
  private begun = false;
  private held: Buffer = Buffer.alloc(0);
  private received = 0;

  constructor(
    private readonly output: Output,
    private readonly expectation: Expectation,
  ) {
    this.expected = new Expected(output);
  }

  /** Number of bytes received. */
  get bytes(): number {
    return this.received;
  }

  take(chunk: Buffer): void {
    this.received += chunk.length;
    if (this.problem) return;
    this.held = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    if (!this.begun && !this.begin()) return;
    this.compare(false);
  }

  /** Call after the last byte. @returns the fault, if any */
  end(): OutputProblem | undefined {
    const { start, toTheEnd } = this.expectation;
    if (!this.problem && !this.begun && this.held.length > 0) this.beginWithin();
    if (!this.problem) this.compare(true);
    if (this.problem || !toTheEnd) return this.problem;
    const wanted = start.from === 'last' ? Math.min(start.lines, this.output.lines) : this.output.lines;
    if (this.received === 0) return wanted > 0 ? fault('log: nothing came', this.tail(), '') : undefined;
    if (this.expected.isOver()) return undefined;
    return fault('log: its end is missing', this.tail(), this.describe(Buffer.from(this.expected.position())));
  }

  private tail(): string {
    return this.output.lines === 0 ? '' : `to ${this.output.line(this.output.lines - 1)}`;
  }

  /** Finds the line at which the stream begins. @returns false: more bytes are needed */
  private begin(): boolean {
    const { start } = this.expectation;
    if (start.from === 'all') this.begun = true;
    else if (start.from === 'last') {
      this.begun = true;
      this.expected.goTo(Math.max(0, this.output.lines - start.lines));
    } else {
      const newline = this.held.indexOf(10);
      if (newline < 0 && this.held.length < LONGEST_LINE) return false;
      this.beginWithin();
    }
    return true;
  }

  private beginWithin(): void {
    this.begun = true;
    const { start } = this.expectation;
    if (start.from !== 'kept') return;
    const line = this.held.toString('latin1', 0, LONGEST_LINE).split('\n')[0] ?? '';
    const index = indexIn(line);
    const isWhole = index !== undefined && index < this.output.lines && this.output.line(index).trimEnd() === line;
    if (isWhole) this.expected.goTo(index);
    else if (!this.isNotice()) this.problem = fault('log: begins within a line', 'a whole line', line.slice(0, SHOWN));
  }

  private isNotice(): boolean {
    return DROPPED.test(this.held.toString('latin1', 0, LONGEST_LINE));
  }

  private compare(isEnd: boolean): void {
    while (this.held.length > 0 && !this.problem) {
      const same = this.expected.match(this.held);
      this.held = this.held.subarray(same);
      if (this.held.length === 0) return;
      if (!isEnd && this.held.length < LONGEST_LINE) return; // the next chunk shows what this is
      if (!this.skipNotice()) this.problem = this.classify();
    }
  }

  /** Skips the bytes that a notice of the log names as lost. */
  private skipNotice(): boolean {
    const found = DROPPED.exec(this.held.toString('latin1', 0, LONGEST_LINE));
    if (!found) return false;
    const [notice, newline, bytes, inMidLine] = found;
    this.held = this.held.subarray(notice.length);
    // the notice's own newline was matched as the end of the line
    const taken = inMidLine !== undefined && newline === '' ? 1 : 0;
    return this.expected.skip(Number(bytes) - taken);
  }

  /** Classifies a fault by the first whole line after the difference. */
  private classify(): OutputProblem {
    const wanted = this.expected.index();
    const lines = this.held.toString('latin1', 0, LONGEST_LINE).split('\n').slice(1, -1);
    const index = lines.map(indexIn).find((found) => found !== undefined);
    const kind: OutputFault =
      index === undefined
        ? 'log: other bytes'
        : index > wanted + 1
          ? 'log: lines are missing'
          : index <= wanted
            ? 'log: lines come twice'
            : 'log: other bytes';
    return fault(
      kind,
      `at byte ${this.received}, line ${wanted}: ${this.expected.ahead(SHOWN)}`,
      this.describe(this.held),
    );
  }

  private describe(from: Buffer): string {
    return `${this.received} bytes came; ${from.toString('latin1', 0, SHOWN)}`;
  }
}

/** The bytes that must come next. */
class Expected {
  private blocks: Generator<Buffer, undefined>;
  private block: Buffer = Buffer.alloc(0);
  private over = false;
  private passed = 0;

  constructor(private readonly output: Output) {
    this.blocks = output.blocks();
  }

  goTo(line: number): void {
    this.blocks = this.output.blocks(line);
    this.block = Buffer.alloc(0);
    this.over = false;
  }

  /** @returns number of leading bytes that are the expected ones; they are consumed */
  match(bytes: Buffer): number {
    let same = 0;
    while (same < bytes.length && this.fill()) {
      const length = Math.min(this.block.length, bytes.length - same);
      const piece = bytes.subarray(same, same + length);
      const equal = this.block.subarray(0, length).equals(piece) ? length : commonPrefix(this.block, piece);
      this.block = this.block.subarray(equal);
      same += equal;
      if (equal < length) break;
    }
    this.passed += same;
    return same;
  }

  /** @returns false when fewer bytes are left */
  skip(bytes: number): boolean {
    let left = bytes;
    while (left > 0 && this.fill()) {
      const length = Math.min(left, this.block.length);
      this.block = this.block.subarray(length);
      left -= length;
    }
    return left === 0;
  }

  isOver(): boolean {
    return !this.fill();
  }

  /** Index of the current line, or of the next one at a line's start. */
  index(): number {
    if (!this.fill()) return this.output.lines;
    const text = this.block.toString('latin1', 0, LONGEST_LINE);
    const atStart = indexIn(text.split('\n')[0] ?? '');
    if (atStart !== undefined && this.output.line(atStart).startsWith(text.split('\n')[0] ?? '\n')) return atStart;
    const following = indexIn(text.split('\n')[1] ?? '');
    return following === undefined ? this.output.lines - 1 : following - 1;
  }

  ahead(characters: number): string {
    return this.fill() ? this.block.toString('latin1', 0, characters) : '(the end)';
  }

  position(): string {
    return `right up to byte ${this.passed}, then line ${this.index()} of ${this.output.lines}: ${this.ahead(40)}`;
  }

  private fill(): boolean {
    while (this.block.length === 0 && !this.over) {
      const next = this.blocks.next();
      if (next.done === true) this.over = true;
      else this.block = next.value;
    }
    return this.block.length > 0;
  }
}

function commonPrefix(left: Buffer, right: Buffer): number {
  let [low, high] = [0, Math.min(left.length, right.length)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (left.subarray(0, middle).equals(right.subarray(0, middle))) low = middle;
    else high = middle - 1;
  }
  return low;
}

function fault(kind: OutputFault, expected: string, came: string): OutputProblem {
  return { kind, expected, came };
}
