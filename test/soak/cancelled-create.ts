import { type CreateRequest, type CreateResponse } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type Absences } from './absences';
import { type Answerish, CALL_MS, type Caller, inWords } from './caller';
import { type Journal } from './findings';
import { type Named } from './life-run';
import { type Story } from './plan';
import { createRequest } from './requests';
import { RunStream } from './run-stream';

type Cancelled = Extract<Story, { type: 'cancelled' }>;

export interface CancelParts {
  readonly caller: Caller;
  readonly absences: Absences;
}

/** A create whose caller leaves: then deleted by name, repeated with its request_id, or never nameable by anybody. */
export async function runCancelled(
  story: Cancelled,
  named: Named,
  journal: Journal,
  { caller, absences }: CancelParts,
): Promise<void> {
  const { life } = story;
  const name = story.named ? named.name : '';
  const requestId = story.repeats ? named.label : '';
  const request = createRequest(life, { name, life: named.label, requestId });
  const first = await askAndLeave(caller, journal, story, request);
  const again = story.repeats ? await askAgain(caller, journal, life.gateway, request) : undefined;
  if (again && first && first.sandboxId !== again.sandboxId)
    journal.report('another id', first.sandboxId, again.sandboxId);
  const made = again ?? first;
  const known = made ? made.sandboxName : name;
  if (known !== '') {
    const deleted = await caller.delete(journal, life.deleteAt, known);
    if (deleted.code !== 'OK') journal.report('a call was refused', 'a delete', inWords(deleted));
  }
  const kind = made ? 'it outlives its delete' : 'a cancelled create runs on';
  absences.expect(named.label, journal, kind, known === '');
}

async function askAndLeave(
  caller: Caller,
  journal: Journal,
  story: Cancelled,
  request: CreateRequest,
): Promise<CreateResponse | undefined> {
  const { life, afterMs } = story;
  journal.note(`${life.door} create${request.name === '' ? ' without a name' : ''}, left after ${afterMs} ms`);
  const leave = new AbortController();
  const timer = setTimeout(() => leave.abort(), afterMs);
  const reply =
    life.door === 'run'
      ? await runAndLeave(caller, journal, story, request)
      : await caller.create(life.gateway, request, leave.signal);
  clearTimeout(timer);
  journal.note(`create at gateway ${life.gateway + 1}: ${inWords(reply)} ${reply.answer?.sandboxId ?? ''}`);
  const isLeft = reply.code === 'CANCELLED' || reply.code === 'OK';
  if (!isLeft && !caller.mayTryAgain(journal, reply))
    journal.report('a call was refused', 'OK or CANCELLED', inWords(reply));
  return reply.answer;
}

/** RunSandbox whose caller leaves. The output received so far must be right. */
async function runAndLeave(
  caller: Caller,
  journal: Journal,
  { life, afterMs }: Cancelled,
  request: CreateRequest,
): Promise<Answerish & { readonly answer: CreateResponse | undefined }> {
  const stream = caller.gateway(life.gateway).run(request, CALL_MS);
  const run = new RunStream(stream, life.program.output, { leavesAfter: undefined, mayEnd: true });
  const timer = setTimeout(() => stream.cancel(), afterMs);
  const { code, message } = await run.over;
  clearTimeout(timer);
  const problem = run.check.end();
  if (problem) journal.report(problem.kind, `RunSandbox: ${problem.expected}`, problem.came);
  return { code, message, answer: run.answer };
}

async function askAgain(
  caller: Caller,
  journal: Journal,
  gateway: number,
  request: CreateRequest,
): Promise<CreateResponse | undefined> {
  const reply = await caller.patiently(journal, 'create again', () => caller.create(gateway, request));
  if (!reply.answer) journal.report('a call was refused', 'the answer of its request_id', inWords(reply));
  return reply.answer;
}
