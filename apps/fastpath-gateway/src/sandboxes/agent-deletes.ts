import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { type EnsureAbsentRequest } from '@fsb/agent-api/agent-api';
import { type AgentClient } from '@fsb/agent-api/agent-client';
import { messageOf } from '@fsb/api/errors';
import { type AgentDirectory, type AgentView } from '@fsb/placement/agent-directory';
import { type Exchange, sideOfDelete } from '@fsb/placement/delete-time';
import { type LateObjects } from './late-objects';

export interface AgentDeleteParts {
  readonly directory: Pick<AgentDirectory, 'agent' | 'agentsIn'>;
  readonly agents: AgentClient;
  /** told of every sandbox that is ended before it has an object */
  readonly lateObjects: LateObjects;
}

/** What the agents of a namespace had of a name. */
export interface Absence {
  /** sandbox ids whose end has begun */
  readonly ended: readonly string[];
  /** every agent has answered */
  readonly isComplete: boolean;
}

const CONCURRENCY = 32;
/** Every agent that was there was told of the delete: of several one knows. */
const MAX_ASKED = 3;
/** Each exchange says more narrowly when a delete was. */
const MAX_EXCHANGES = 5;
const REMOVE_TRIES = 8;
const FIRST_PAUSE_MS = 100;

/** Ends on the agents what this gateway knows by name or by id alone. */
export class AgentDeletes {
  private readonly logger = new Logger(AgentDeletes.name);

  constructor(private readonly parts: AgentDeleteParts) {}

  /** Every agent of the namespace is told: what has the name and no object ends, and what is on its way is refused. */
  async ensureAbsent(request: EnsureAbsentRequest): Promise<Absence> {
    const left = this.parts.directory.agentsIn(request.namespace).values();
    const ended: string[] = [];
    let isComplete = true;
    const work = async (): Promise<void> => {
      for (const agent of left) {
        // its silence says that it does not answer: not waited for
        if (!agent.inSync) {
          isComplete = false;
          continue;
        }
        try {
          ended.push(...(await this.parts.agents.ensureAbsent(agent, request)));
        } catch {
          // one whose Pod is gone meanwhile has taken its sandboxes with it
          if (this.current(agent)) isComplete = false;
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    for (const sandboxId of ended) this.parts.lateObjects.add(sandboxId);
    return { ended, isComplete };
  }

  /**
   * Whether somebody, at any gateway, deleted the name after the create had begun. So close together that either order is
   * true, the create stays, but for a caller who has left: it may have deleted what it gave up.
   * @param begunAt on `performance.now()`
   * @param caller aborted where it has left
   */
  async isOvertaken({ namespace, name }: EnsureAbsentRequest, begunAt: number, caller: AbortSignal): Promise<boolean> {
    const agents = this.parts.directory.agentsIn(namespace).filter(({ inSync }) => inSync);
    const asked = agents.slice(0, MAX_ASKED).map(async (agent) => {
      const exchanges: Exchange[] = [];
      while (exchanges.length < MAX_EXCHANGES) {
        const sentAt = performance.now();
        const last = await this.parts.agents.lastDelete(agent, { namespace, name });
        if (!last) return false;
        exchanges.push({ sentAt, receivedAt: performance.now(), ageMs: last.ageMs });
        const side = sideOfDelete(begunAt, exchanges);
        if (side) return side === 'before';
      }
      return caller.aborted;
    });
    const answers = await Promise.allSettled(asked);
    return answers.some((answer) => answer.status === 'fulfilled' && answer.value);
  }

  /** Ends a sandbox that nobody can find, beside the caller's answer. The agent ends it by itself where it hears nothing. */
  remove(agent: AgentView, sandboxId: string): void {
    this.parts.lateObjects.add(sandboxId);
    void this.removeSoon(agent, sandboxId).catch((error: unknown) => {
      this.logger.warn({ msg: 'an abandoned sandbox was not removed', sandboxId, error: messageOf(error) });
    });
  }

  private async removeSoon(agent: AgentView, sandboxId: string): Promise<void> {
    for (let tries = 1; this.current(agent); tries++) {
      try {
        await this.parts.agents.delete(agent, sandboxId);
        return;
      } catch (error) {
        if (tries === REMOVE_TRIES) throw error;
      }
      await sleep(FIRST_PAUSE_MS * 2 ** tries, undefined, { ref: false });
    }
  }

  private current({ id, podUid }: AgentView): boolean {
    return this.parts.directory.agent(id)?.podUid === podUid;
  }
}
