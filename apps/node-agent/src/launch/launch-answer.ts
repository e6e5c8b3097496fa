import { Socket } from 'node:net';

/** Milliseconds to wait for a launcher's answer: it takes a handful of system calls, which a busy node may delay. */
export const ANSWER_MS = 15_000;
/** Written by the launcher when it has read its order. */
const READ = '.';
/** Bounds an answer; a step and an errno are shorter. */
const MAX_CHARS = 256;

/** Why the launcher could not become the user's process. */
export interface LaunchFailure {
  /** as launcher.c names it; empty: no answer in time */
  readonly step: string;
  /** errno of the system call; 0: unknown */
  readonly errno: number;
}

/** undefined: the program runs; `unread`: the launcher died before it had read its order, and nothing has run. */
export type LaunchOutcome = LaunchFailure | 'unread' | undefined;

/**
 * Reads a launcher's answer. EOF after the dot alone means that its exec succeeded: the descriptor closes on exec, and
 * a failure is written before. EOF without the dot means that it died. There is no EOF before the launcher has opened
 * the FIFO: Linux reports one only after there was a writer.
 */
export class LaunchAnswer {
  private said = '';
  private readonly socket: Socket;
  private readonly closed: Promise<void>;

  /** @param descriptor of the FIFO, open for reading */
  constructor(descriptor: number) {
    this.socket = new Socket({ fd: descriptor, readable: true, writable: false });
    this.socket.on('data', (data: Buffer) => {
      if (this.said.length < MAX_CHARS) this.said += data.toString('latin1');
    });
    this.socket.on('error', () => undefined); // 'close' follows
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        resolve();
      });
    });
  }

  /** Resolves with the outcome once it is known, within {@link ANSWER_MS}. */
  async outcome(): Promise<LaunchOutcome> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, ANSWER_MS, 'late');
    });
    const first = await Promise.race([this.closed, late]);
    clearTimeout(timer);
    if (first !== 'late') return outcomeOf(this.said);
    this.abandon();
    return { step: '', errno: 0 };
  }

  /** Closes the FIFO, once nothing waits for the answer. */
  abandon(): void {
    this.socket.destroy();
  }
}

function outcomeOf(said: string): LaunchOutcome {
  if (!said.startsWith(READ)) return 'unread';
  if (said === READ) return undefined;
  const [step = '', errno = ''] = said.slice(READ.length).split(' ');
  return { step, errno: Number(errno) || 0 };
}
