import { type OnApplicationBootstrap, type OnModuleDestroy, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FastifyAdapter } from '@nestjs/platform-fastify';
import { setTimeout as sleep } from 'node:timers/promises';
import { AGENT_PATHS } from '@fsb/agent-api/agent-api';
import { rehearse } from '@fsb/component-base/rehearsal';

/** Delay until the agent listens and has restored its sandboxes. */
const FIRST_MS = 1_000;
const BAD_REQUEST = 400;
/** Refused for its fields, so that nothing is admitted or made. */
const NO_SANDBOX = { sandbox: { sandboxId: '', claimUid: '', claimName: '', image: '' } };

/** Calls this agent's own create, through its routes, so that the first callers do not pay for its compilation. */
@Injectable()
export class Rehearsal implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly stopping = new AbortController();

  constructor(private readonly host: HttpAdapterHost<FastifyAdapter>) {}

  onApplicationBootstrap(): void {
    void this.run().catch(() => undefined); // creates still work, only more slowly at first
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    await sleep(FIRST_MS, undefined, { signal, ref: false });
    const request = { method: 'POST', url: AGENT_PATHS.create, payload: NO_SANDBOX } as const;
    await rehearse(async () => {
      const { statusCode } = await this.host.httpAdapter.inject(request);
      if (statusCode !== BAD_REQUEST) throw new Error(`a create without a field was answered ${statusCode}`);
    }, signal);
  }
}
