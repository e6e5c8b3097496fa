const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz';
const FILL = 80;
/** MINSTD generator: its products stay below 2^53, so that awk, Python and JavaScript compute the same numbers. */
const [FACTOR, MODULUS] = [16_807, 2_147_483_647];
const BLOCK_CHARACTERS = 64 * 1024;

/** `first` in [1, 2^31 - 2]; the first line is made from its successor. */
export interface OutputShape {
  readonly first: number;
  readonly lines: number;
  /** no newline after the last line */
  readonly open: boolean;
}

/**
 * Deterministic lines `<index> <number> <letters>`, derived from one number. Nothing is stored; any line can be
 * computed.
 */
export class Output {
  private size: number | undefined;

  constructor(readonly shape: OutputShape) {}

  get lines(): number {
    return this.shape.lines;
  }

  /** @returns blocks of about 64 KiB, from the beginning of line `from` to the end */
  *blocks(from = 0): Generator<Buffer, undefined> {
    const { first, lines, open } = this.shape;
    let number = from === 0 ? first : power(first, from);
    for (let index = from, text = ''; index < lines; index++) {
      number = next(number);
      text += lineOf(index, number);
      if (index === lines - 1) yield Buffer.from(open ? text.slice(0, -1) : text, 'latin1');
      else if (text.length > BLOCK_CHARACTERS) {
        yield Buffer.from(text, 'latin1');
        text = '';
      }
    }
  }

  /** A line with its newline, which the last line of an open output does not have. */
  line(index: number): string {
    const text = lineOf(index, power(this.shape.first, index + 1));
    return this.shape.open && index === this.lines - 1 ? text.slice(0, -1) : text;
  }

  get bytes(): number {
    this.size ??= [...this.lengths()].reduce((sum, length) => sum + length, 0);
    return this.size;
  }

  /** @throws RangeError when it is too long for a command line */
  text(): string {
    if (this.lines > 500) throw new RangeError(`${this.lines} lines are no short text`);
    return [...this.blocks()].map((block) => block.toString('latin1')).join('');
  }

  private *lengths(): Generator<number> {
    for (const block of this.blocks()) yield block.length;
  }
}

/** The index at the beginning of a line; undefined when the line does not have this form. */
export function indexIn(line: string): number | undefined {
  const found = /^(\d{1,8}) \d{1,10} [a-zA-Z0-9]*$/.exec(line)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** An awk program that prints the same lines, in blocks as awk writes them. @param pauses number of pauses of 0.2 s */
export function awkScript({ first, lines, open }: OutputShape, pauses: number): string {
  const each = pauses > 0 ? Math.max(1, Math.floor(lines / (pauses + 1))) : lines + 1;
  const end = open ? `if(i<${lines - 1})printf "\\n"` : 'printf "\\n"';
  return [
    `BEGIN{l="${LETTERS}";x=${first};for(i=0;i<${lines};i++){x=(x*${FACTOR})%${MODULUS};`,
    `printf "%d %d %s",i,x,substr(l,1,x%${FILL});${end};`,
    `if(i%${each}==${each - 1}){fflush();system("sleep 0.2")}}}`,
  ].join('');
}

/** The same as a Python program. */
export function pythonScript({ first, lines, open }: OutputShape, pauses: number): string {
  const each = pauses > 0 ? Math.max(1, Math.floor(lines / (pauses + 1))) : lines + 1;
  return [
    'import sys,time',
    `l="${LETTERS}"`,
    `x=${first}`,
    `for i in range(${lines}):`,
    ` x=x*${FACTOR}%${MODULUS}`,
    ` sys.stdout.write("%d %d %s"%(i,x,l[:x%${FILL}])+("" if ${open ? `i==${lines - 1}` : 'False'} else "\\n"))`,
    ` if i%${each}==${each - 1}:`,
    '  sys.stdout.flush();time.sleep(0.2)',
    'sys.stdout.flush()',
  ].join('\n');
}

function lineOf(index: number, number: number): string {
  return `${index} ${number} ${LETTERS.slice(0, number % FILL)}\n`;
}

function next(number: number): number {
  return (number * FACTOR) % MODULUS;
}

/** The generator's number after `steps` steps. */
function power(first: number, steps: number): number {
  let [result, base] = [BigInt(first), BigInt(FACTOR)];
  const modulus = BigInt(MODULUS);
  for (let left = steps; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return Number(result);
}
