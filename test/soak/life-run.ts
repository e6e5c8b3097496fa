import { setTimeout as sleep } from 'node:timers/promises';
import { type SandboxInfo } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type SandboxExit } from '@fsb/api/gen/fastpath/v1/logs';
import { type Reply } from '../support/gateway-client';
import { type Absences } from './absences';
import { type Answerish, type Caller, inWords } from './caller';
import { EndWatch, endInWords, stateOf, untilRight, type WantedEnd, wantedOf } from './end-watch';
import { type Journal } from './findings';
import { readingOf, readLog } from './log-reading';
import { type Life } from './plan';
import { NAMESPACE } from './pool';
import { type Asked, createRequest, manifest } from './requests';
import { RunStream } from './run-stream';

const RUN_MS = 240_000;
const LEFT_OPEN: ReadonlySet<string> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED']);
const GIVEN_UP = 'given up';

export interface LifeParts {
  readonly caller: Caller;
  readonly absences: Absences;
}

export interface Named {
  readonly name: string;
  /** value of the life label */
  readonly label: string;
}

export interface Kept extends Named {
  readonly life: Life;
  readonly id: string;
  readonly journal: Journal;
}

/** An answer, with the sandbox's id if it has one. */
type Created = Answerish & { readonly id: string };

/** One sandbox from its create to its end, compared with the model of its program. */
export class LifeRun {
  private readonly readers: Promise<void>[] = [];
  private run: RunStream | undefined;
  private expires: number | undefined;

  constructor(
    private readonly life: Life,
    private readonly named: Named,
    private readonly journal: Journal,
    private readonly parts: LifeParts,
  ) {}

  /** @returns the sandbox if it stays until the end of the run */
  async live(): Promise<Kept | undefined> {
    const { life, journal, named } = this;
    journal.note(`${life.door}: ${life.program.what}; ends by ${life.ending.by}`);
    this.follow('before', '');
    const id = await this.create();
    if (id !== undefined) await this.afterCreate(id);
    if (id !== undefined && life.ending.by === 'itself' && life.ending.keep) return { ...named, life, id, journal };
    if (life.ending.by !== 'delete' || id === undefined) await this.delete(id === undefined);
    await Promise.all(this.readers);
    return undefined;
  }

  private async afterCreate(id: string): Promise<void> {
    const { life, named, journal, parts } = this;
    const { ending } = life;
    this.follow('at-once', id);
    this.follow('later', id);
    if (ending.by === 'delete') {
      await this.deleteSoon(id, ending.afterMs, ending.readsLog);
      return;
    }
    const ended = await new EndWatch(life, named.name, id, journal, parts.caller).wait(life.gateway);
    await this.joinRun(ended);
    await Promise.all(this.readers);
    await this.readAgain(ended);
  }

  /** @returns id of the sandbox; "" after a create by kubectl; undefined: no sandbox */
  private async create(): Promise<string | undefined> {
    const { life, journal, parts } = this;
    const { name, label } = this.named;
    if (life.ending.by === 'expiry') this.expires = Math.floor(Date.now() / 1000) + 2;
    const asked = { name, life: label, expires: this.expires, requestId: life.repeatable ? label : '' };
    const answer = await parts.caller.patiently(journal, `create (${life.door})`, async () => {
      const reply = await this.ask(asked);
      // the outcome is open, and without a request_id the create cannot be repeated
      if (LEFT_OPEN.has(reply.code) && !life.repeatable) return { ...reply, code: GIVEN_UP };
      // the sandbox deleted just before may still be visible at this gateway
      return reply.code === 'ALREADY_EXISTS' && this.isHeir ? { ...reply, code: 'ABORTED' } : reply;
    });
    if (answer.code === 'OK') return answer.id;
    if (answer.code === GIVEN_UP) parts.caller.giveUp(journal, answer);
    else if (!this.hasExpired()) journal.report('a call was refused', 'a sandbox', inWords(answer));
    return undefined;
  }

  private async ask(asked: Asked): Promise<Created> {
    const { life, journal, parts } = this;
    if (life.door === 'run') return this.runIt(asked);
    if (life.door === 'kubectl')
      return { ...(await parts.caller.kubectl(journal, ['apply', '-f', '-'], manifest(life, asked))), id: '' };
    const { code, message, answer } = await parts.caller.create(life.gateway, createRequest(life, asked));
    return { code, message, id: answer?.sandboxId ?? '' };
  }

  /** Whether the name was used by an earlier life. */
  private get isHeir(): boolean {
    return !this.named.label.endsWith('-0');
  }

  private async runIt(asked: Asked): Promise<Created> {
    const { life, parts } = this;
    const leavesAfter = life.followers[0]?.leavesAfter;
    const stream = parts.caller.gateway(life.gateway).run(createRequest(life, asked), RUN_MS);
    const run = new RunStream(stream, life.program.output, { leavesAfter, mayEnd: life.ending.by !== 'itself' });
    const created = await run.created;
    if (!('sandboxId' in created)) return { ...created, id: '' };
    this.run = run;
    return { code: 'OK', message: '', id: created.sandboxId };
  }

  /** Starts the followers of the plan. @param id id that the log must belong to; "": any */
  private follow(when: 'before' | 'at-once' | 'later', id: string): void {
    const { life, journal, named, parts } = this;
    const mayEnd = life.ending.by !== 'itself';
    // by name alone this would be the log of the name's previous sandbox
    if (when === 'before' && this.isHeir) return;
    for (const follower of life.followers.filter((one) => one.when === when)) {
      const reading = { ...readingOf(follower, life.program.output, mayEnd), id: this.isHeir ? id : '' };
      const wait = when === 'later' ? sleep(follower.afterMs) : Promise.resolve();
      this.readers.push(wait.then(() => readLog(parts.caller, journal, named.name, reading)));
    }
  }

  /** Deletes, with readers of the log before, during and after the delete. */
  private async deleteSoon(id: string, afterMs: number, readsLog: boolean): Promise<void> {
    const { life, journal, parts, named } = this;
    await sleep(afterMs);
    const read = (what: string, follow: boolean): Promise<void> =>
      readLog(parts.caller, journal, named.name, {
        ...{
          id: this.isHeir ? id : '',
          what,
          follow,
          gateway: life.gateway,
          output: life.program.output,
          mayEnd: true,
          mayBeEarly: false,
        },
      });
    if (readsLog) this.readers.push(read('follower (at the delete)', true));
    const deleted = this.delete();
    if (readsLog) this.readers.push(read('log (at the delete)', false));
    await deleted;
    if (readsLog) this.readers.push(read('log (after the delete)', false));
    await Promise.all(this.readers);
    await this.run?.over;
  }

  /** @param isOpen whether an object exists is unknown: kubectl deletes only an existing one */
  private async delete(isOpen = false): Promise<void> {
    const { life, journal, parts } = this;
    const { name, label } = this.named;
    const answer =
      life.deleteBy === 'kubectl' && !(isOpen && life.door !== 'kubectl')
        ? await parts.caller.kubectl(journal, ['delete', 'sandbox', name, '-n', NAMESPACE, '--ignore-not-found'])
        : await parts.caller.delete(journal, life.deleteAt, name);
    if (answer.code !== 'OK') journal.report('a call was refused', 'a delete', inWords(answer));
    parts.absences.expect(label, journal, 'it outlives its delete');
  }

  private hasExpired(): boolean {
    return this.expires !== undefined && Date.now() >= this.expires * 1000;
  }

  private async joinRun(ended: boolean): Promise<void> {
    const { run, journal, life } = this;
    if (!run) return;
    const end = await run.over;
    journal.note(`RunSandbox: ${end.left ? 'left' : inWords(end)}, ${run.check.bytes} bytes`);
    if (end.left) return;
    const wanted = wantedOf(life);
    if (end.code !== 'OK') {
      if (wanted.phase !== 'Expired') journal.report('a stream broke off', 'RunSandbox: OK', inWords(end));
      return;
    }
    const problem = run.check.end();
    if (problem) journal.report(problem.kind, `RunSandbox: ${problem.expected}`, problem.came);
    if (ended && wanted.phase !== 'Expired') this.compareExit(run.exited, wanted);
  }

  private compareExit(exited: SandboxExit | undefined, { exitCode, reason }: WantedEnd): void {
    if (exited?.exitCode === exitCode && exited?.reason === reason) return;
    const came = exited ? `${exited.exitCode ?? 'no code'} ${exited.reason}` : 'no exit in its last message';
    this.journal.report('RunSandbox: another exit', `${exitCode ?? ''} ${reason}`, came);
  }

  /** Reads the whole log again, its tails, and the object. */
  private async readAgain(ended: boolean): Promise<void> {
    const { life, journal, parts, named } = this;
    const { output } = life.program;
    const mayEnd = life.ending.by === 'expiry';
    const gateway = life.deleteAt;
    const read = { output, gateway, mayEnd, mayBeEarly: false };
    await readLog(parts.caller, journal, named.name, { ...read, what: 'log (again)', follow: false });
    for (const tail of mayEnd ? [] : life.tails)
      await readLog(parts.caller, journal, named.name, { ...read, what: `tail ${tail}`, follow: false, tail });
    if (ended) await this.askAgain(gateway);
  }

  /** Checks that a reported end stays as it is. A gateway may lag. */
  private async askAgain(gateway: number): Promise<void> {
    const { life, journal, parts, named } = this;
    const wanted = wantedOf(life);
    const get = (): Promise<Reply<SandboxInfo>> => parts.caller.get(gateway, named.name);
    await untilRight(journal, wanted, async () => {
      const { answer, ...reply } = await parts.caller.patiently(journal, 'get again', get);
      return { said: answer, words: answer ? stateOf(answer) : inWords(reply) };
    });
    if (life.door !== 'kubectl' && life.deleteBy !== 'kubectl') return;
    await untilRight(journal, wanted, async () => {
      const object = await parts.caller.object(journal, named.name);
      return { said: object?.status, words: `kubectl get: ${object?.status ? endInWords(object.status) : 'nothing'}` };
    });
  }
}
