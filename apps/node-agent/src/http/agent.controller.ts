import { Readable } from 'node:stream';
import { Body, Controller, Get, HttpCode, Inject, Post, Query, Res, UseGuards } from '@nestjs/common';
import { AGENT_PATHS, type AgentStatus, type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { AGENT_CONFIG, type AgentConfig } from '../agent.config';
import { ImageList } from '../images/image-list';
import { Admission } from '../sandboxes/admission';
import { parseCreate, SandboxId } from '../sandboxes/create-request';
import { SandboxLifecycle } from '../sandboxes/sandbox-lifecycle';
import { SandboxTable } from '../sandboxes/sandbox-table';
import { BearerGuard } from './bearer.guard';
import { callerLeft } from './caller-left';
import { parseBody } from './parse-body';
import { RestoredGuard } from './restored.guard';
import { statusLines } from './status-lines';

const Named = z.object({ sandboxId: SandboxId });
const Bound = Named.extend({ claimUid: z.string().min(1).max(128) });
const Drained = z.object({ draining: z.boolean() });

/** The original's agent API, and bind, drain and watch besides. */
@Controller()
@UseGuards(BearerGuard, RestoredGuard)
export class AgentController {
  constructor(
    @Inject(AGENT_CONFIG) private readonly config: AgentConfig,
    private readonly admission: Admission,
    private readonly table: SandboxTable,
    private readonly lifecycle: SandboxLifecycle,
    private readonly images: ImageList,
  ) {}

  @Post(AGENT_PATHS.create)
  @HttpCode(200)
  create(@Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply): Promise<CreateSandboxResponse> {
    return this.lifecycle.create(parseCreate(body), callerLeft(reply));
  }

  @Post(AGENT_PATHS.delete)
  @HttpCode(200)
  delete(@Body() body: unknown): { success: true } {
    this.lifecycle.delete(parseBody(Named, body).sandboxId);
    return { success: true };
  }

  @Post(AGENT_PATHS.bind)
  @HttpCode(200)
  async bind(@Body() body: unknown): Promise<{ success: true }> {
    const { sandboxId, claimUid } = parseBody(Bound, body);
    await this.lifecycle.bind(sandboxId, claimUid);
    return { success: true };
  }

  @Post(AGENT_PATHS.drain)
  @HttpCode(200)
  drain(@Body() body: unknown): { success: true } {
    const { draining } = parseBody(Drained, body);
    this.admission.draining = draining;
    this.table.publish({ type: 'draining', draining });
    return { success: true };
  }

  @Get(AGENT_PATHS.status)
  async status(@Query('watch') watch: string | undefined, @Res() reply: FastifyReply): Promise<void> {
    if (watch !== 'true') {
      await reply.send(this.snapshot());
      return;
    }
    const changes = this.table.watch(callerLeft(reply));
    const lines = statusLines({ type: 'snapshot', status: this.snapshot() }, changes);
    await reply.header('content-type', 'application/x-ndjson').send(Readable.from(lines).on('error', () => undefined)); // the caller has left
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
      sandboxStatuses: this.table.list(),
    };
  }
}
