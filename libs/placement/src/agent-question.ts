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

/** The caller left, or the deadline passed, before the agent answered. The sandbox may still come to exist. */
export class UnansweredError extends Error {}

/** Time after which an agent that is not creating the sandbox is asked again: its answer may have been lost. */
const ASK_MS = 5_000;
/** Exchanges by which to place a delete in time; each narrows the bounds. */
const MAX_EXCHANGES = 5;
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;

/** Sends a create to one agent. A timeout is no refusal: the same id is sent until the agent answers or is gone. */
export class AgentQuestions {
  /** callbacks for a change of an agent, by its id */
  private readonly waiting = new Map<string, Set<() => void>>();

  constructor(
    private readonly directory: AgentDirectory,
    private readonly client: AgentClient,
  ) {
    directory.onAgent((id) => {
      for (const check of this.waiting.get(id) ?? []) check();
    });
  }

  /**
   * Asks until the agent answers.
   * @returns the answer; with `deleted`, a refusal because of a delete by name that came after the create had begun.
   * undefined if the request never reached the agent, or the agent is gone, and its sandboxes with it
   * @throws UnansweredError
   */
  async ask(question: Question): Promise<CreateSandboxResponse | undefined> {
    const exchanges: (Exchange & { readonly number: number })[] = [];
    for (let afterDelete = 0; ;) {
      const sentAt = performance.now();
      const answer = await this.askUntilAnswered(question, question.begunAt === undefined ? undefined : afterDelete);
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

  private async askUntilAnswered(
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
      await sleep(Math.max(0, pause), undefined, { signal }).catch(() => undefined); // an abort is checked next
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
    const check = (): void => {
      if (!this.current(agent)) stop();
    };
    const checks = this.waiting.get(agent.id) ?? new Set();
    this.waiting.set(agent.id, checks.add(check));
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
      checks.delete(check);
      if (checks.size === 0) this.waiting.delete(agent.id);
    }
  }

  /** The same Pod's agent, perhaps at another address by now. @returns undefined if it is gone */
  private current({ id, podUid }: AgentView): AgentView | undefined {
    const view = this.directory.agent(id);
    return view?.podUid === podUid ? view : undefined;
  }

  /** Whether the agent reports the sandbox as creating. A pull may take minutes; aborting the request would end it. */
  private isAtWork({ id }: AgentView, sandboxId: string): boolean {
    return this.directory.agent(id)?.inSync === true && this.directory.report(id, sandboxId)?.phase === 'creating';
  }
}
