import { Body, Controller, HttpCode, Inject, Post, Res, UseGuards } from '@nestjs/common';
import {
  AGENT_PATHS,
  type BindSandboxResponse,
  type CreateSandboxResponse,
  type EnsureAbsentResponse,
  type LastDeleteResponse,
} from '@fsb/agent-api/agent-api';
import { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { RegistryGuard } from '../images/registry-guard';
import { Admission } from '../sandboxes/admission';
import { type Ceilings, CEILINGS } from '../sandboxes/ceilings';
import { GraceSeconds, ObjectName, parseCreate, SandboxId } from '../sandboxes/create-request';
import { SandboxLifecycle } from '../sandboxes/sandbox-lifecycle';
import { SandboxTable } from '../sandboxes/sandbox-table';
import { callerSignal } from './caller-signal';
import { parseBody } from './parse-body';
import { RestoredGuard } from './restored.guard';

const Named = z.object({ sandboxId: SandboxId });
const Ended = Named.extend({
  generation: z.number().int().min(0).optional(),
  keepLog: z.boolean().optional(),
  gracePeriodSeconds: GraceSeconds.optional(),
});
const Bound = Named.extend({ claimUid: z.string().min(1).max(128) });
const Absent = z.object({ namespace: ObjectName, name: ObjectName, sandboxId: SandboxId.optional() });
const Drained = z.object({ draining: z.boolean() });

/** The commands of the Go predecessor's agent API, with bind, drain and deletes by name added. */
@Controller()
@UseGuards(RestoredGuard)
export class AgentController {
  constructor(
    private readonly admission: Admission,
    private readonly table: SandboxTable,
    private readonly lifecycle: SandboxLifecycle,
    private readonly registries: RegistryGuard,
    @Inject(CEILINGS) private readonly ceilings: Ceilings,
  ) {}

  @Post(AGENT_PATHS.create)
  @HttpCode(200)
  create(@Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply): Promise<CreateSandboxResponse> {
    const order = parseCreate(body, this.admission.reservedPorts, this.ceilings);
    this.registries.requireAllowed(order.image);
    return this.lifecycle.create(order, callerSignal(reply));
  }

  @Post(AGENT_PATHS.delete)
  @HttpCode(200)
  delete(@Body() body: unknown): { success: true } {
    const { sandboxId, ...how } = parseBody(Ended, body);
    this.lifecycle.delete(sandboxId, how);
    return { success: true };
  }

  @Post(AGENT_PATHS.bind)
  @HttpCode(200)
  async bind(@Body() body: unknown): Promise<BindSandboxResponse> {
    const { sandboxId, claimUid } = parseBody(Bound, body);
    return { success: true, bound: await this.lifecycle.bind(sandboxId, claimUid) };
  }

  @Post(AGENT_PATHS.ensureAbsent)
  @HttpCode(200)
  ensureAbsent(@Body() body: unknown): EnsureAbsentResponse {
    const { namespace, name, sandboxId } = parseBody(Absent, body);
    return { success: true, ended: this.lifecycle.ensureAbsent(namespace, name, sandboxId) };
  }

  @Post(AGENT_PATHS.lastDelete)
  @HttpCode(200)
  lastDelete(@Body() body: unknown): LastDeleteResponse {
    const { namespace, name } = parseBody(Absent, body);
    const deleted = this.lifecycle.lastDelete(namespace, name);
    return { success: true, ...(deleted ? { deleted } : {}) };
  }

  @Post(AGENT_PATHS.drain)
  @HttpCode(200)
  drain(@Body() body: unknown): { success: true } {
    const { draining } = parseBody(Drained, body);
    this.admission.draining = draining;
    this.table.publish({ type: 'draining', draining });
    return { success: true };
  }
}
