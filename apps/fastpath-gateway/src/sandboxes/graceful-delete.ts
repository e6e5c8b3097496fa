import { Injectable, Logger } from '@nestjs/common';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { messageOf } from '@fsb/api/errors';
import { type DeleteRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type AgentView } from '@fsb/placement/agent-directory';
import { Catalog } from './catalog';
import { DeleteSandbox } from './delete-sandbox';
import { gracePeriod, namespaceName, objectName } from './field-rules';

/**
 * A delete with the grace period that it asks for. The API server cannot carry it: a real one sets deletionGracePeriodSeconds to 0 in
 * every custom resource. The agent is asked directly once the delete was accepted, and cuts its own period short.
 */
@Injectable()
export class GracefulDelete {
  private readonly logger = new Logger(GracefulDelete.name);

  constructor(
    private readonly deletes: DeleteSandbox,
    private readonly catalog: Catalog,
    private readonly agents: AgentClient,
  ) {}

  /**
   * Where the agent is out of reach, the sandbox's own grace period holds.
   * @param deadline Unix milliseconds
   * @throws ApiError invalid_argument, and what DeleteSandbox throws
   */
  async delete(request: DeleteRequest, deadline: number): Promise<void> {
    const { gracePeriodSeconds } = request;
    if (gracePeriodSeconds === undefined) {
      await this.deletes.delete(request, deadline);
      return;
    }
    gracePeriod('grace_period_seconds', gracePeriodSeconds);
    const where = this.find(request); // behind the delete nobody may know it any more
    await this.deletes.delete(request, deadline);
    if (where) await this.ask(where, gracePeriodSeconds);
  }

  private find({ sandboxName, namespace: given, sandboxId }: DeleteRequest): Where | undefined {
    const namespace = namespaceName(given);
    const found = this.catalog.find(namespace, objectName('sandbox_name', sandboxName), sandboxId);
    const agent = found && this.catalog.agentOf({ namespace, agentPod: found.agentPod });
    return agent && { agent, sandboxId: found.sandboxId };
  }

  private async ask({ agent, sandboxId }: Where, gracePeriodSeconds: number): Promise<void> {
    try {
      await this.agents.delete(agent, sandboxId, undefined, { gracePeriodSeconds });
    } catch (error) {
      this.logger.warn({ msg: 'the grace period stays its own', sandbox: sandboxId, error: messageOf(error) });
    }
  }
}

interface Where {
  readonly agent: AgentView;
  readonly sandboxId: string;
}
