import { type ClientReadableStream } from '@grpc/grpc-js';
import { type CreateResponse } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type RunSandboxResponse, type SandboxExit } from '@fsb/api/gen/fastpath/v1/logs';
import { consume, type StreamEnd } from './log-reading';
import { OutputCheck } from './output-check';
import { type Output } from './output';

/** A call of RunSandbox: the answer of the create, then the log, and finally the exit of the process. */
export class RunStream {
  /** the answer of the create, or the end of a call without one */
  readonly created: Promise<CreateResponse | StreamEnd>;
  readonly over: Promise<StreamEnd>;
  readonly check: OutputCheck;
  private made: CreateResponse | undefined;
  private exit: SandboxExit | undefined;

  constructor(
    private readonly stream: ClientReadableStream<RunSandboxResponse>,
    output: Output,
    reading: { readonly leavesAfter: number | undefined; readonly mayEnd: boolean },
  ) {
    const { leavesAfter, mayEnd } = reading;
    this.check = new OutputCheck(output, { start: { from: 'all' }, toTheEnd: !mayEnd && leavesAfter === undefined });
    let settle: (answer: CreateResponse | StreamEnd) => void = () => undefined;
    this.created = new Promise((done) => (settle = done));
    const dataOf = (message: RunSandboxResponse): Buffer => {
      this.exit = message.exited ?? this.exit;
      if (message.created) settle((this.made = message.created));
      return message.data;
    };
    // no reader leaves before the answer
    this.over = consume(this.stream, dataOf, this.check, {
      ...(leavesAfter === undefined ? {} : { leavesAfter: Math.max(1, leavesAfter) }),
    }).then((end) => {
      settle(end);
      return end;
    });
  }

  get exited(): SandboxExit | undefined {
    return this.exit;
  }

  /** The answer of the create, once it has come. */
  get answer(): CreateResponse | undefined {
    return this.made;
  }
}
