import { setTimeout as sleep } from 'node:timers/promises';
import { type SandboxInfo } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type Reply } from '../support/gateway-client';
import { type Answerish, type Caller, inWords } from './caller';
import { type FindingKind, type Journal } from './findings';
import { type Life } from './plan';

/** From the answer of a create to the end in its object: 0.3 s of work, with fifty concurrent creates. */
const END_MS = 60_000;
const LONG_END_MS = 240_000;
const LONG_LINES = 10_000;
/** A gateway may lag one second behind another; ten on a busy machine. */
const BEHIND_MS = 10_000;
const POLL_MS = 60;
const AGAIN_MS = 250;
/** How long a wrong end may be corrected before it is a finding. */
const MENDED_MS = 3_000;
const ON_ITS_WAY: ReadonlySet<string> = new Set(['Pending', 'Bound', 'Running']);
/** Phase while an expired sandbox's container ends. */
const EXPIRING = 'Terminating';

/** The end that an object must report. */
export interface WantedEnd {
  readonly phase: 'Succeeded' | 'Failed' | 'Expired';
  readonly exitCode: number | undefined;
  readonly reason: string;
}

/** The end as reported by the API or a gateway. */
export interface SaidEnd {
  readonly phase?: string;
  readonly exitCode?: number | undefined;
  readonly reason?: string;
}

export function wantedOf({ ending, program: { end } }: Life): WantedEnd {
  if (ending.by === 'expiry' || !end) return { phase: 'Expired', exitCode: undefined, reason: '' };
  return end;
}

/** The kind of a wrong end; undefined: right. For an expired sandbox only the phase is checked. Pure. */
export function differenceOf(said: SaidEnd, wanted: WantedEnd): FindingKind | undefined {
  if (wanted.phase === 'Expired') return said.phase === 'Expired' ? undefined : 'another phase';
  if (said.exitCode === undefined) return 'its exit code is lost';
  if (said.exitCode !== wanted.exitCode) return 'another exit code';
  if (said.phase !== wanted.phase) return 'another phase';
  return said.reason === wanted.reason ? undefined : 'another reason';
}

export function endInWords({ phase, reason, exitCode }: SaidEnd): string {
  return `${phase ?? 'no phase'} (${reason ?? ''}), exit code ${exitCode ?? 'none'}`;
}

export function stateOf(info: SandboxInfo): string {
  return `${endInWords(info)}, id ${info.sandboxId}: ${info.message}`;
}

/** Polls until the reported end is right, as long as a gateway may lag; then it is a finding. */
export async function untilRight(
  journal: Journal,
  wanted: WantedEnd,
  look: () => Promise<{ readonly said: SaidEnd | undefined; readonly words: string }>,
): Promise<void> {
  const until = Date.now() + BEHIND_MS;
  for (;;) {
    const { said, words } = await look();
    const kind = said ? differenceOf(said, wanted) : 'another phase';
    if (kind === undefined) return;
    if (Date.now() >= until) {
      journal.report(kind, endInWords(wanted), words);
      return;
    }
    await sleep(AGAIN_MS);
  }
}

/** Polls the gateways in turn until a sandbox has ended, rightly, wrongly or too late. */
export class EndWatch {
  private readonly started = Date.now();
  private readonly wanted: WantedEnd;
  private readonly limitMs: number;
  private wrong: { readonly info: SandboxInfo; readonly at: number } | undefined;
  private absentSince: number | undefined;
  private seen = '';

  /** @param id id of the sandbox; "": unknown */
  constructor(
    life: Life,
    private readonly name: string,
    private readonly id: string,
    private readonly journal: Journal,
    private readonly caller: Caller,
  ) {
    this.wanted = wantedOf(life);
    this.limitMs = life.program.output.lines > LONG_LINES ? LONG_END_MS : END_MS;
  }

  /** @returns whether it ended as it must; otherwise a finding was reported */
  async wait(firstGateway: number): Promise<boolean> {
    for (let turn = firstGateway; ; turn++) {
      const gateway = turn % this.caller.gateways.length;
      const reply = await this.caller.get(gateway, this.name);
      const state = reply.answer ? stateOf(reply.answer) : inWords(reply);
      if (state !== this.seen) this.journal.note(`get at gateway ${gateway + 1}: ${state}`);
      this.seen = state;
      const verdict = this.judge(reply);
      if (verdict !== undefined) return verdict;
      await sleep(POLL_MS + Math.min(this.waited / 20, 200));
    }
  }

  private get waited(): number {
    return Date.now() - this.started;
  }

  /** @returns undefined: poll again */
  private judge({ answer, ...reply }: Reply<SandboxInfo>): boolean | undefined {
    if (!answer) return this.isNotYet(reply) ? this.overdue() : false;
    this.absentSince = undefined;
    const isAnother = this.id !== '' && answer.sandboxId !== '' && answer.sandboxId !== this.id;
    if (isAnother && this.waited > BEHIND_MS) {
      this.journal.report('another id', this.id, stateOf(answer));
      return false;
    }
    if (!isAnother && !this.isOnItsWay(answer)) return this.ended(answer);
    return this.overdue();
  }

  private overdue(): false | undefined {
    if (this.waited <= this.limitMs) return undefined;
    this.journal.report('never ended', endInWords(this.wanted), `${this.seen} after ${this.waited} ms`);
    return false;
  }

  private isOnItsWay({ phase }: SandboxInfo): boolean {
    return ON_ITS_WAY.has(phase) || (phase === EXPIRING && this.wanted.phase === 'Expired');
  }

  private ended(info: SandboxInfo): boolean | undefined {
    const kind = differenceOf(info, this.wanted);
    if (kind === undefined) {
      if (this.wrong)
        this.journal.report(
          'another phase',
          `${endInWords(info)} from the first`,
          `before: ${stateOf(this.wrong.info)}`,
        );
      return true;
    }
    this.wrong ??= { info, at: Date.now() };
    if (Date.now() - this.wrong.at <= MENDED_MS) return undefined;
    this.journal.report(kind, endInWords(this.wanted), stateOf(info));
    return false;
  }

  /** @returns whether to poll again; false: a finding was reported, since it was absent for too long */
  private isNotYet(reply: Answerish): boolean {
    if (reply.code === 'NOT_FOUND') {
      this.absentSince ??= Date.now();
      if (Date.now() - this.absentSince < BEHIND_MS) return true;
    } else if (this.caller.mayTryAgain(this.journal, reply)) return true;
    this.journal.report('another phase', endInWords(this.wanted), inWords(reply));
    return false;
  }
}
