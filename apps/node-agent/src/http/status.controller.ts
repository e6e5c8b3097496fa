import { Readable } from 'node:stream';
import { Controller, Get, Query, Res, UseGuards } from '@nestjs/common';
import { AGENT_PATHS } from '@fsb/agent-api/agent-api';
import { Traffic } from '@fsb/component-base/traffic';
import { type FastifyReply } from 'fastify';
import { SandboxTable } from '../sandboxes/sandbox-table';
import { callerSignal } from './caller-signal';
import { OpenStreams } from './open-streams';
import { RestoredGuard } from './restored.guard';
import { statusLines } from './status-lines';
import { StatusSnapshot } from './status-snapshot';

/** Serves the agent's status: once, as the Go predecessor does, or as a watch. */
@Controller()
@UseGuards(RestoredGuard)
export class StatusController {
  constructor(
    private readonly snapshot: StatusSnapshot,
    private readonly table: SandboxTable,
    private readonly streams: OpenStreams,
    private readonly traffic: Traffic,
  ) {}

  @Get(AGENT_PATHS.status)
  async status(@Query('watch') watch: string | undefined, @Res() reply: FastifyReply): Promise<void> {
    if (watch !== 'true') {
      await reply.send(this.snapshot.take());
      return;
    }
    const changes = this.table.watch(this.streams.until(callerSignal(reply)));
    const lines = statusLines({ type: 'snapshot', status: this.snapshot.take() }, changes, this.traffic);
    // an error: the caller has left, or the agent stops
    await reply.header('content-type', 'application/x-ndjson').send(Readable.from(lines).on('error', () => undefined));
  }
}
