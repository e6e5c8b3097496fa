/** Runs every call of AgentClient against an agent that fails in every way; prints one line of JSON. */
import { rmSync } from 'node:fs';
import { type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentPki } from './agent-pki';
import { type Call, drive } from './hostile-run';
import { HostileServer } from './hostile-server';
import { AgentClient } from '@fsb/agent-api/agent-client';
import { AgentStatusStream } from '@fsb/agent-api/status-stream';

const AGENT = { address: '127.0.0.1', podUid: 'uid-1' };
const CALL_MS = 60;
const SANDBOX = { sandbox: { sandboxId: 'i', claimUid: '', claimName: 'n', image: 'busybox' } };
const LOG = { sandboxId: 'i', follow: true };

async function readAll(response: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of response) bytes += (chunk as Buffer).length;
  return bytes;
}

async function followed(client: AgentClient, signal: AbortSignal): Promise<void> {
  const stream = new AgentStatusStream({ client, agent: AGENT, onEvent: () => undefined, silenceMs: CALL_MS });
  stream.start();
  await sleep(CALL_MS, undefined, { signal }).catch(() => undefined);
  await stream.stop();
}

function callsOf(client: AgentClient): Readonly<Record<string, Call>> {
  return {
    create: (signal) => client.create(AGENT, SANDBOX, signal, Date.now() + CALL_MS),
    delete: (signal) => client.delete(AGENT, 'i', signal),
    bind: (signal) => client.bind(AGENT, { sandboxId: 'i', claimUid: 'u' }, signal),
    drain: (signal) => client.drain(AGENT, true, signal),
    status: (signal) => client.status(AGENT, signal),
    'logs, read': async (signal) => readAll(await client.logs(AGENT, LOG, signal)),
    'logs, not read': (signal) => client.logs(AGENT, LOG, signal),
    'watch, read': async (signal) => readAll(await client.watch(AGENT, signal)),
    'watch, not read': (signal) => client.watch(AGENT, signal),
    'status stream': (signal) => followed(client, signal),
  };
}

async function main(): Promise<void> {
  const pki = await AgentPki.make();
  const server = await HostileServer.start(await pki.agent('uid-1'));
  const client = new AgentClient({ tls: pki.client, port: server.port, callMs: CALL_MS });
  const left = await drive(server, callsOf(client));
  client.close();
  const open = await server.closed();
  await server.stop();
  rmSync(pki.folder, { recursive: true });
  process.stdout.write(JSON.stringify({ ...left, open }));
}

void main();
