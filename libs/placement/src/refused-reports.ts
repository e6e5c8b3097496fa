import { Logger } from '@nestjs/common';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { Counter, type Registry } from 'prom-client';

/** Log interval: a flood of false reports must not flood the log. */
const LOG_EVERY_MS = 10_000;

/** Counts reports that are not believed: an agent may report only sandboxes of its own Pod's namespace. */
export class RefusedReports {
  private readonly logger = new Logger(RefusedReports.name);
  private readonly refused: Counter;
  private loggedAt = -Infinity;

  constructor(registry: Registry) {
    this.refused = new Counter({
      name: 'fastpath_agent_reports_refused_total',
      help: "Reported sandboxes that were ignored because their namespace is not that of the agent's Pod",
      registers: [registry],
    });
  }

  foreign(agentId: string, { sandboxId, namespace = '' }: AgentSandboxStatus): void {
    this.refused.inc();
    const now = performance.now();
    if (now - this.loggedAt < LOG_EVERY_MS) return;
    this.loggedAt = now;
    this.logger.warn({
      msg: 'ignored a report: the agent reports a sandbox of another namespace than its own',
      agent: agentId,
      sandboxId,
      namespace,
    });
  }
}
