import { Logger } from '@nestjs/common';
import { type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { Counter, type Registry } from 'prom-client';

/** A flood of false reports must not become a flood of lines. */
const LOG_EVERY_MS = 10_000;

/** Counts what agents report and are not believed: an agent speaks for the namespace of its own Pod alone. */
export class RefusedReports {
  private readonly logger = new Logger(RefusedReports.name);
  private readonly refused: Counter;
  private loggedAt = -Infinity;

  constructor(registry: Registry) {
    this.refused = new Counter({
      name: 'fastpath_agent_reports_refused_total',
      help: "Sandboxes that an agent reported of a namespace that is not its Pod's",
      registers: [registry],
    });
  }

  foreign(agentId: string, { sandboxId, namespace = '' }: AgentSandboxStatus): void {
    this.refused.inc();
    const now = performance.now();
    if (now - this.loggedAt < LOG_EVERY_MS) return;
    this.loggedAt = now;
    this.logger.warn({
      msg: 'an agent reports for a namespace that is not its own',
      agent: agentId,
      sandboxId,
      namespace,
    });
  }
}
