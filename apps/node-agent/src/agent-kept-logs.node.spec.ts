import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually';
import { AgentProcess } from '../../../test/support/agent-process';

/** After the delete has begun, before the agent removes without a lull: that is 500 ms. */
const WITHIN_WAIT_MS = 200;

describe('node-agent: logs that are kept', () => {
  let agent: AgentProcess;
  /** Accepts connections and answers nothing: a create of its images stays under way, so that there is no lull. */
  let silent: Server;

  beforeAll(async () => {
    silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    agent = await AgentProcess.start('kept', { pull: 'true' });
  }, 120_000);

  afterAll(async () => {
    await agent.stop();
    silent.close();
  }, 60_000);

  async function finished(sandboxId: string): Promise<void> {
    const owner = { claimUid: `uid-${sandboxId}`, namespace: 'default', imagePullPolicy: 'IfNotPresent' };
    await agent.create(sandboxId, { command: ['/bin/echo', 'here'], ...owner });
    await agent.ended(sandboxId);
  }

  it('are so also where that is asked for after the delete, while the removal waits for a lull in creates', async () => {
    const leave = new AbortController();
    const connected = once(silent, 'connection');
    const image = `127.0.0.1:${(silent.address() as AddressInfo).port}/silent:v1`;
    const creating = agent.create('waits', { image }, leave.signal).catch(() => undefined);
    await connected;
    let wasInTime = false;
    for (let attempt = 1; attempt <= 10 && !wasInTime; attempt++) wasInTime = await askedInTime();
    expect(wasInTime).toBe(true);
    leave.abort();
    await creating;
  }, 60_000);

  let count = 0;
  /** Asks after the delete. @returns false where the machine was so slow that the sandbox was removed before */
  async function askedInTime(): Promise<boolean> {
    const [late, never] = [`late${++count}`, `never${count}`];
    for (const id of [late, never]) await finished(id);
    for (const sandboxId of [late, never]) await agent.post('delete', { sandboxId });
    await sleep(WITHIN_WAIT_MS);
    await agent.post('delete', { sandboxId: late, keepLog: true });
    const wasThere = (await agent.of(late)) !== undefined;
    for (const id of [late, never]) await eventually(async () => (await agent.of(id)) === undefined);
    if (!wasThere) return false;
    const log = await agent.fetch(`logs?sandboxId=${late}`);
    expect([log.status, await log.text()]).toEqual([200, 'here\n']);
    expect(existsSync(agent.path(`logs/${never}.log`))).toBe(false);
    return true;
  }
});
