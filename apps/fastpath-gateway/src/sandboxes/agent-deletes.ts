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
  /** receives the id of every sandbox that is ended before it has an object */
  readonly lateObjects: LateObjects;
}

/** Result of an ensure-absent call to the agents of a namespace. */
export interface Absence {
  /** ids of sandboxes whose end has begun */
  readonly ended: readonly string[];
  /** whether every agent has answered */
  readonly isComplete: boolean;
}

/** Concurrent ensure-absent calls to agents. */
const CONCURRENCY = 32;
/** Agents asked for the last delete of a name. Each agent present at the delete knows it, so a few are enough. */
const MAX_ASKED = 3;
/** Exchanges with an agent about the time of a delete: each one narrows it down. */
const MAX_EXCHANGES = 5;
const REMOVE_TRIES = 8;
const FIRST_PAUSE_MS = 100;

/** Deletes at the agents: by name, where no object or id is known, and by id for abandoned creates. */
export class AgentDeletes {
  private readonly logger = new Logger(AgentDeletes.name);

  constructor(private readonly parts: AgentDeleteParts) {}

  /**
   * Calls ensure-absent at every agent of the namespace that is in sync. Agents end the unbound containers of the name,
   * or of the request's sandbox id alone. Without a sandbox id they also refuse creates of the name that began earlier.
   */
  async ensureAbsent(request: EnsureAbsentRequest): Promise<Absence> {
    const left = this.parts.directory.agentsIn(request.namespace).values();
    const ended: string[] = [];
    let isComplete = true;
    const work = async (): Promise<void> => {
      for (const agent of left) {
        // a silent agent would only time out
        if (!agent.inSync) {
          isComplete = false;
          continue;
        }
        try {
          ended.push(...(await this.parts.agents.ensureAbsent(agent, request)));
        } catch {
          // an agent whose Pod is gone by now took its sandboxes with it
          if (this.current(agent)) isComplete = false;
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    for (const sandboxId of ended) this.parts.lateObjects.add(sandboxId);
    return { ended, isComplete };
  }

  /**
   * Whether the name was deleted, through any gateway, after the create had begun. When the two are too close to tell
   * their order, the create wins, unless its caller has left: the delete may be its own, of the create that it gave up.
   * @param begunAt start of the create, on the clock of `performance.now()`
   * @param caller aborted when the caller has left
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

  /** Deletes an abandoned sandbox in the background. An agent that is not reached ends it by itself. */
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
