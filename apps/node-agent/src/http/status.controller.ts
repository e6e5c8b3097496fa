import { Readable } from 'node:stream';
import { Controller, Get, Inject, Query, Res, UseGuards } from '@nestjs/common';
import { AGENT_PATHS, type AgentStatus } from '@fsb/agent-api/agent-api';
import { type FastifyReply } from 'fastify';
import { AGENT_CONFIG, type AgentConfig } from '../agent.config';
import { ImageList } from '../images/image-list';
import { Admission } from '../sandboxes/admission';
import { SandboxTable } from '../sandboxes/sandbox-table';
import { WarmContainers } from '../warm/warm-containers';
import { BearerGuard } from './bearer.guard';
import { callerLeft } from './caller-left';
import { OpenStreams } from './open-streams';
import { RestoredGuard } from './restored.guard';
import { statusLines } from './status-lines';

/** What the agent has: once, as in the original, or followed. From memory: it costs containerd nothing. */
@Controller()
@UseGuards(BearerGuard, RestoredGuard)
export class StatusController {
  constructor(
    @Inject(AGENT_CONFIG) private readonly config: AgentConfig,
    private readonly admission: Admission,
    private readonly table: SandboxTable,
    private readonly images: ImageList,
    private readonly warm: WarmContainers,
    private readonly streams: OpenStreams,
  ) {}

  @Get(AGENT_PATHS.status)
  async status(@Query('watch') watch: string | undefined, @Res() reply: FastifyReply): Promise<void> {
    if (watch !== 'true') {
      await reply.send(this.snapshot());
      return;
    }
    const changes = this.table.watch(this.streams.until(callerLeft(reply)));
    const lines = statusLines({ type: 'snapshot', status: this.snapshot() }, changes);
    await reply.header('content-type', 'application/x-ndjson').send(Readable.from(lines).on('error', () => undefined)); // the caller has left, or we stop
  }

  private snapshot(): AgentStatus {
    return {
      agentId: this.config.podName,
      agentUid: this.config.podUid,
      nodeName: this.config.nodeName,
      capacity: this.config.agentCapacity,
      allocated: this.admission.allocated,
      draining: this.admission.draining,
      free: this.admission.free(),
      images: this.images.current,
      waiting: this.warm.images,
      sandboxStatuses: this.table.list(),
    };
  }
}
