import { Readable } from 'node:stream';
import { Controller, Get, Query, Res, UseGuards } from '@nestjs/common';
import { AGENT_PATHS, type AgentSandboxStatus } from '@fsb/agent-api/agent-api';
import { encodeLogExit, LOG_EXIT_TRAILER } from '@fsb/agent-api/log-exit';
import { encodeLogFrame, LOG_FRAMES_TYPE } from '@fsb/agent-api/log-frames';
import { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { EndedLogs } from '../logs/ended-logs';
import { type LogChunk } from '../logs/log-cursor';
import { LogReader } from '../logs/log-reader';
import { SandboxId } from '../sandboxes/create-request';
import { SandboxTable } from '../sandboxes/sandbox-table';
import { callerSignal } from './caller-signal';
import { OpenStreams } from './open-streams';
import { parseBody } from './parse-body';
import { RestoredGuard } from './restored.guard';

const LogsQuery = z.object({
  sandboxId: SandboxId,
  follow: z.enum(['true', 'false'], 'must be true or false').default('false'),
  tailLines: z
    .string()
    .regex(/^\d{1,7}$/, 'must be a number of lines')
    .optional(),
  stream: z.enum(['stdout', 'stderr'], 'must be stdout or stderr').optional(),
  framed: z.enum(['true', 'false'], 'must be true or false').default('false'),
});

/**
 * Serves a sandbox's output as text, also after its removal while its object stays. `follow` continues until the
 * sandbox has ended and all was sent. Both streams come in order; `stream` selects one; frames (`framed`) name it.
 */
@Controller()
@UseGuards(RestoredGuard)
export class AgentLogsController {
  constructor(
    private readonly table: SandboxTable,
    private readonly logs: LogReader,
    private readonly ended: EndedLogs,
    private readonly streams: OpenStreams,
  ) {}

  @Get(AGENT_PATHS.logs)
  async read(@Query() query: unknown, @Res() reply: FastifyReply): Promise<void> {
    const { sandboxId, follow, tailLines, stream, framed } = parseBody(LogsQuery, query);
    const isFramed = framed === 'true';
    if (!this.table.get(sandboxId)) await this.ended.require(sandboxId);
    const lines = tailLines === undefined ? undefined : Number(tailLines);
    const streams = stream ?? (isFramed ? 'apart' : 'merged');
    const wanted = { follow: follow === 'true', tailLines: lines, streams } as const;
    this.logs.requireRoom();
    const chunks = this.logs.read(sandboxId, wanted, this.streams.until(callerSignal(reply)));
    // a chunk is read when the one before was sent; an error aborts the answer, so that nobody takes it for the end
    const body = Readable.from(encoded(chunks, isFramed, reply), { objectMode: true, highWaterMark: 1 }).on(
      'error',
      () => undefined,
    );
    if (wanted.follow) void reply.header('trailer', LOG_EXIT_TRAILER);
    const sent = reply.header('content-type', isFramed ? LOG_FRAMES_TYPE : 'text/plain; charset=utf-8').send(body);
    reply.raw.flushHeaders(); // readers wait seconds for the headers, and a sandbox may print nothing for hours
    await sent;
  }
}

/** Encodes a log, and sets the trailer with the outcome of its sandbox. */
async function* encoded(
  chunks: AsyncGenerator<LogChunk, AgentSandboxStatus | undefined>,
  isFramed: boolean,
  reply: FastifyReply,
): AsyncGenerator<Buffer> {
  try {
    let next = await chunks.next();
    for (; !next.done; next = await chunks.next()) yield isFramed ? encodeLogFrame(next.value) : next.value.data;
    const exit = encodeLogExit(next.value);
    if (exit !== undefined) reply.raw.addTrailers({ [LOG_EXIT_TRAILER]: exit });
  } finally {
    await chunks.return(undefined); // the caller has left
  }
}
