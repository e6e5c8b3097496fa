import { Injectable, Logger } from '@nestjs/common';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { messageOf } from '@fsb/api/errors';
import { type DeleteRequest } from '@fsb/api/gen/fastpath/v1/fastpath';
import { type AgentView } from '@fsb/placement/agent-directory';
import { Catalog } from './catalog';
import { DeleteSandbox } from './delete-sandbox';
import { gracePeriod, namespaceName, objectName } from './field-rules';

/**
 * Delete with a grace period of the caller's choice. The API server cannot carry it: a real one sets
 * deletionGracePeriodSeconds to 0 in every custom resource. So the agent is asked directly, after the delete was
 * accepted, and shortens its own grace period.
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
   * Deletes a sandbox. When its agent is out of reach, the sandbox's own grace period applies.
   * @param deadline Unix milliseconds
   * @throws ApiError invalid_argument, when the grace period is out of range
   * @throws ApiError as {@link DeleteSandbox.delete}
   */
  async delete(request: DeleteRequest, deadline: number): Promise<void> {
    const { gracePeriodSeconds } = request;
    if (gracePeriodSeconds === undefined) {
      await this.deletes.delete(request, deadline);
      return;
    }
    gracePeriod('grace_period_seconds', gracePeriodSeconds);
    const where = this.find(request); // before the delete: afterwards it may be gone from the catalog
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
      this.logger.warn({ msg: 'the sandbox keeps its own grace period', sandbox: sandboxId, error: messageOf(error) });
    }
  }
}

interface Where {
  readonly agent: AgentView;
  readonly sandboxId: string;
}
