import { Socket } from 'node:net';

/** A launcher's answer, milliseconds: it does a handful of system calls, and a busy node may let them wait. */
export const ANSWER_MS = 15_000;
/** Written by the launcher when it has read its order. */
const READ = '.';
/** A step and an errno are shorter. */
const MAX_CHARS = 256;

/** Why the launcher could not become what it was ordered to be. */
export interface LaunchFailure {
  /** as launcher.c names it; empty: no answer in time */
  readonly step: string;
  /** of the system call; 0: unknown */
  readonly errno: number;
}

/** undefined: the program runs; `unread`: the launcher died before it had read its order, and nothing has run. */
export type LaunchOutcome = LaunchFailure | 'unread' | undefined;

/**
 * The launcher's end of the answer closes with its exec, and by nothing else without a word, but for its death. Until the
 * launcher has opened it there is no end to be read: Linux tells of one only where there was a writer.
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

  /** Resolves when the program runs, or with the reason why it does not. */
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

  /** Nobody waits for it any more. */
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
