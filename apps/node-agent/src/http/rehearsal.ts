import { type OnApplicationBootstrap, type OnModuleDestroy, Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { rehearse } from '@fsb/component-base/rehearsal';
import { AGENT_CONFIG, type AgentConfig } from '../agent.config';
import { AGENT_TOKEN } from './bearer.guard';

/** The agent listens by then, and has restored what it has. */
const FIRST_MS = 1_000;
const CALL_MS = 5_000;
/** Refused for its fields: nothing is admitted or made. */
const NO_SANDBOX = { sandboxId: '', claimUid: '', claimName: '', image: '' };

/** Calls this agent's own create, so that its first callers do not pay for its compilation. */
@Injectable()
export class Rehearsal implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly stopping = new AbortController();

  constructor(
    @Inject(AGENT_CONFIG) private readonly config: AgentConfig,
    @Inject(AGENT_TOKEN) private readonly token: string,
  ) {}

  onApplicationBootstrap(): void {
    void this.run().catch(() => undefined); // it is served all the same, only later
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    await sleep(FIRST_MS, undefined, { signal, ref: false });
    const client = new AgentClient({ token: this.token.trim(), port: this.config.httpPort });
    const call = async (): Promise<void> => {
      const answer = await client.create('127.0.0.1', { sandbox: NO_SANDBOX }, signal, Date.now() + CALL_MS);
      if (answer.success) throw new Error('a create without a field was taken');
    };
    try {
      await rehearse(call, signal);
    } finally {
      client.close();
    }
  }
}
