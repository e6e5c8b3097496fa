import { type OutputFault } from './output-check';

/** Kinds of faults. The table at the end counts by them. */
export type FindingKind =
  | OutputFault
  | 'a gateway went away'
  | 'a call was refused'
  | 'a call or stream took too long'
  | 'a stream broke off'
  | 'its exit code is lost'
  | 'another exit code'
  | 'another phase'
  | 'another reason'
  | 'another id'
  | 'never ended'
  | 'RunSandbox: another exit'
  | 'tail: another number of lines'
  | 'it outlives its delete'
  | 'a cancelled create runs on'
  | 'an object that nobody owns'
  | 'at the end: differences'
  | 'at the end: restarts'
  | 'the model: it failed itself';

export interface Finding {
  readonly kind: FindingKind;
  /** `<lane>/<number>` */
  readonly operation: string;
  /** name of the sandbox; empty: none */
  readonly name: string;
  readonly expected: string;
  readonly came: string;
  /** requests and answers about that sandbox, the newest last */
  readonly journal: readonly string[];
}

const KEPT = 50;
/** Limit per kind, so that one kind does not hide the others. */
const KEPT_OF_A_KIND = 6;
const JOURNAL = 20;

/** Requests and answers about one sandbox, in order. */
export class Journal {
  private readonly lines: string[] = [];
  private readonly reported = new Set<FindingKind>();
  private readonly started = Date.now();

  constructor(
    readonly operation: string,
    readonly name: string,
    private readonly findings: Findings,
  ) {}

  note(text: string): void {
    this.lines.push(`${new Date().toISOString().slice(11, 23)} +${Date.now() - this.started} ms ${text}`);
  }

  /** Reports a fault that every further call would repeat. */
  reportOnce(kind: FindingKind, expected: string, came: string): void {
    if (!this.reported.has(kind)) this.report(kind, expected, came);
  }

  report(kind: FindingKind, expected: string, came: string): void {
    this.reported.add(kind);
    this.note(`FOUND ${kind}`);
    const { operation, name } = this;
    this.findings.add({ kind, operation, name, expected, came, journal: this.lines.slice(-JOURNAL) });
  }
}

/** All findings, counted by kind; the first ones in full. */
export class Findings {
  private readonly kept: Finding[] = [];
  private readonly numbers = new Map<FindingKind, number>();

  constructor(private readonly say: (text: string) => void) {}

  get count(): number {
    return [...this.numbers.values()].reduce((sum, number) => sum + number, 0);
  }

  add(finding: Finding): void {
    const before = this.numbers.get(finding.kind) ?? 0;
    this.numbers.set(finding.kind, before + 1);
    const isFirst = before === 0; // the first of each kind is always shown
    if (!isFirst && (this.kept.length >= KEPT || before >= KEPT_OF_A_KIND)) return;
    this.kept.push(finding);
    this.say(`FOUND ${finding.kind}: ${finding.operation} ${finding.name}`);
  }

  /** The first findings by kind, then the count of each kind. @param seed repeats the run */
  report(seed: string): string[] {
    const kinds = [...this.numbers.keys()];
    const whole = kinds.flatMap((kind) =>
      this.kept.filter((finding) => finding.kind === kind).flatMap((one) => described(one, seed)),
    );
    const more = this.count - this.kept.length;
    const table = kinds
      .map((kind) => ({ kind, number: this.numbers.get(kind) ?? 0 }))
      .sort((a, b) => b.number - a.number)
      .map(({ kind, number }) => `${String(number).padStart(6)}  ${kind}`);
    return [...whole, ...(more > 0 ? [`and ${more} more`] : []), ...table];
  }
}

function described({ kind, operation, name, expected, came, journal }: Finding, seed: string): string[] {
  return [
    `--- ${kind}: seed ${seed}, operation ${operation}${name === '' ? '' : `, sandbox ${name}`}`,
    `    expected: ${expected}`,
    `    came:     ${came}`,
    ...journal.map((line) => `      ${line}`),
  ];
}
