import { Readable } from 'node:stream';
import { Body, Controller, Get, HttpCode, Inject, Post, Query, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { AGENT_PATHS, type AgentStatus, type CreateSandboxResponse } from '@fsb/agent-api/agent-api';
import { ImageStore } from '@fsb/containerd/image-store';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AGENT_CONFIG, type AgentConfig } from '../agent.config';
import { Admission } from '../sandboxes/admission';
import { parseCreate } from '../sandboxes/create-request';
import { SandboxLifecycle } from '../sandboxes/sandbox-lifecycle';
import { SandboxTable } from '../sandboxes/sandbox-table';
import { AgentErrorFilter } from './agent-error.filter';
import { BearerGuard } from './bearer.guard';
import { parseBody } from './parse-body';
import { statusLines } from './status-lines';

const Named = z.object({ sandboxId: z.string().min(1).max(128) });
const Bound = Named.extend({ claimUid: z.string().min(1).max(128) });
const Drained = z.object({ draining: z.boolean() });

/** The original's agent API, and bind, drain and watch besides. */
@Controller()
@UseGuards(BearerGuard)
@UseFilters(AgentErrorFilter)
export class AgentController {
  constructor(
    @Inject(AGENT_CONFIG) private readonly config: AgentConfig,
    private readonly admission: Admission,
    private readonly table: SandboxTable,
    private readonly lifecycle: SandboxLifecycle,
    private readonly images: ImageStore,
  ) {}

  @Post(AGENT_PATHS.create)
  @HttpCode(200)
  create(@Body() body: unknown): Promise<CreateSandboxResponse> {
    return this.lifecycle.create(parseCreate(body));
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
  async status(
    @Query('watch') watch: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const images = await this.images.list();
    if (watch !== 'true') {
      await reply.send(this.snapshot(images));
      return;
    }
    const gone = new AbortController();
    request.raw.once('close', () => {
      gone.abort();
    });
    const changes = this.table.watch(gone.signal);
    const lines = statusLines({ type: 'snapshot', status: this.snapshot(images) }, changes);
    await reply.header('content-type', 'application/x-ndjson').send(Readable.from(lines).on('error', () => undefined)); // the abort above ends it
  }

  private snapshot(images: string[]): AgentStatus {
    return {
      agentId: this.config.podName,
      agentUid: this.config.podUid,
      nodeName: this.config.nodeName,
      capacity: this.config.agentCapacity,
      allocated: this.admission.allocated,
      draining: this.admission.draining,
      free: this.admission.free(),
      images,
      sandboxStatuses: this.table.list(),
    };
  }
}
