import { setTimeout as sleep } from 'node:timers/promises';
import { type CreateSandboxResponse, type SandboxRequest } from '@fsb/agent-api/agent-api';
import { AgentCallError, type AgentClient } from '@fsb/agent-api/agent-client';
import { type AgentDirectory, type AgentView } from './agent-directory';
import { type Exchange, sideOfDelete } from './delete-time';

export interface Question {
  readonly agent: AgentView;
  readonly sandbox: SandboxRequest;
  readonly signal: AbortSignal;
  /** Unix milliseconds */
  readonly deadline: number;
  /** as in PlacementRequest */
  readonly begunAt?: number | undefined;
  readonly leaveNothing?: boolean | undefined;
}

/** The caller left, or its time was up, before the agent had answered: the sandbox may come to be. */
export class UnansweredError extends Error {}

/** An agent that says nothing for so long, and is not at work on it, is asked again: it may have answered into a broken connection. */
const ASK_MS = 5_000;
/** Each exchange says more narrowly when a delete was. */
const MAX_EXCHANGES = 5;
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;

/** One create put to one agent. A time-out is not a no: that agent is asked by id until it answers or is gone. */
export class AgentQuestions {
  /** by agent: what to do when something changed there */
  private readonly waiting = new Map<string, Set<() => void>>();

  constructor(
    private readonly directory: AgentDirectory,
    private readonly client: AgentClient,
  ) {
    directory.onAgent((id) => {
      for (const look of this.waiting.get(id) ?? []) look();
    });
  }

  /**
   * Undefined: the agent never got the question, or is gone and its sandboxes with it. An answer with `deleted` is a no
   * because of a delete by name that came after the create had begun.
   * @throws UnansweredError
   */
  async ask(question: Question): Promise<CreateSandboxResponse | undefined> {
    const exchanges: (Exchange & { readonly number: number })[] = [];
    for (let afterDelete = 0; ;) {
      const sentAt = performance.now();
      const answer = await this.insist(question, question.begunAt === undefined ? undefined : afterDelete);
      const deleted = answer?.deleted;
      if (!deleted || question.begunAt === undefined) return answer;
      exchanges.push({ sentAt, receivedAt: performance.now(), ...deleted });
      const ofLast = exchanges.filter(({ number }) => number === deleted.number);
      const side = sideOfDelete(question.begunAt, ofLast);
      if (side === 'before') return answer;
      // Either order is possible: the create stays, unless its caller left and may have sent that delete. A caller that has
      // left by the first answer may have left, and deleted, before its create was read from the socket.
      const isClose = exchanges.length >= MAX_EXCHANGES;
      const mayHaveDeleted = question.signal.aborted && (isClose || exchanges.length === 1);
      if (mayHaveDeleted) return answer;
      if (isClose || side === 'after') afterDelete = deleted.number;
    }
  }

  private async insist(
    question: Question,
    afterDelete: number | undefined,
  ): Promise<CreateSandboxResponse | undefined> {
    const { agent, signal, deadline } = question;
    for (let asked = 0; ; asked++) {
      const now = this.current(agent);
      if (!now) return undefined;
      try {
        return await this.askOnce(question, now, afterDelete);
      } catch (error) {
        const isUntouched = asked === 0 && error instanceof AgentCallError && error.effect === 'none';
        if (isUntouched || !this.current(agent)) return undefined;
      }
      const pause = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(asked, 10), deadline - Date.now());
      await sleep(Math.max(0, pause), undefined, { signal }).catch(() => undefined); // looked at next
      if (signal.aborted || Date.now() >= deadline) throw new UnansweredError();
    }
  }

  private async askOnce(
    { agent, sandbox, signal, deadline, leaveNothing }: Question,
    now: AgentView,
    afterDelete: number | undefined,
  ): Promise<CreateSandboxResponse> {
    const limit = new AbortController();
    const stop = (): void => {
      limit.abort();
    };
    const timer = setInterval(() => {
      if (!this.isAtWork(agent, sandbox.sandboxId)) stop();
    }, ASK_MS);
    const look = (): void => {
      if (!this.current(agent)) stop();
    };
    const looks = this.waiting.get(agent.id) ?? new Set();
    this.waiting.set(agent.id, looks.add(look));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      const request = {
        ...{ sandbox, agentUid: agent.podUid },
        ...(afterDelete === undefined ? {} : { afterDelete }),
        ...(leaveNothing === true ? { leaveNothing } : {}),
      };
      return await this.client.create(now, request, limit.signal, deadline);
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', stop);
      looks.delete(look);
      if (looks.size === 0) this.waiting.delete(agent.id);
    }
  }

  /** It may have another address by now, but is the same Pod. */
  private current({ id, podUid }: AgentView): AgentView | undefined {
    const view = this.directory.agent(id);
    return view?.podUid === podUid ? view : undefined;
  }

  /** A pull may take minutes; whoever leaves a create in the middle of one ends it. */
  private isAtWork({ id }: AgentView, sandboxId: string): boolean {
    return this.directory.agent(id)?.inSync === true && this.directory.report(id, sandboxId)?.phase === 'creating';
  }
}
