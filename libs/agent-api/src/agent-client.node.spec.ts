import { once } from 'node:events';
import { type RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo } from 'node:net';
import { type AgentEvent } from './agent-api';
import { rmSync } from 'node:fs';
import { AgentPki } from '../../../test/support/agent-pki';
import { AgentClient } from './agent-client';
import { AgentStatusStream } from './status-stream';

const request = { sandbox: { sandboxId: 'i', claimUid: '', claimName: 'n', image: 'busybox' } };
const AGENT = { address: '127.0.0.1', podUid: 'uid-1' };
const never = new AbortController().signal;

describe('AgentClient', () => {
  let server: Server;
  let client: AgentClient;
  let pki: AgentPki;
  beforeAll(async () => {
    pki = await AgentPki.make();
  });
  afterAll(() => {
    rmSync(pki.folder, { recursive: true });
  });
  let sockets = 0;
  const serve = async (listener: RequestListener): Promise<void> => {
    sockets = 0;
    server = createServer({ ...(await pki.agent('uid-1')), requestCert: true }, listener).listen(0, '127.0.0.1');
    server.on('connection', () => sockets++);
    await once(server, 'listening');
    client = new AgentClient({ tls: pki.client, port: (server.address() as AddressInfo).port });
  };
  afterEach(async () => {
    client.close();
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  });
  const create = (ms = 2_000) => client.create(AGENT, request, never, Date.now() + ms);

  it('create: returns refusals as values, over one connection', async () => {
    await serve((_incoming, response) => {
      const code = 'slots_full';
      response.writeHead(409).end(JSON.stringify({ success: false, sandboxId: 'i', createdAt: 0, code }));
    });
    for (let i = 0; i < 5; i++) expect(await create()).toMatchObject({ success: false, code: 'slots_full' });
    expect(sockets).toBe(1);
  });

  it('create: distinguishes a request that was never sent from one that may have had an effect', async () => {
    const arrived = new AbortController();
    await serve(() => {
      arrived.abort();
    });
    const sent = client.create(AGENT, request, arrived.signal, Date.now() + 20_000);
    await expect(sent).rejects.toMatchObject({ effect: 'unknown' });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expect(create()).rejects.toMatchObject({ effect: 'none', code: 'unavailable' });
  });

  it('logs: fails with unavailable, whether or not the request was sent', async () => {
    const arrived = new AbortController();
    await serve(() => {
      arrived.abort();
    });
    const log = (signal: AbortSignal) => client.logs(AGENT, { sandboxId: 'i', follow: false }, signal, 20_000);
    await expect(log(arrived.signal)).rejects.toMatchObject({ code: 'unavailable' });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expect(log(never)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('create: sends nothing to another agent, or to one of another installation', async () => {
    await serve((_incoming, response) => response.end('{"success":true}'));
    const ask = (of: AgentClient, podUid: string) =>
      of.create({ ...AGENT, podUid }, request, never, Date.now() + 2_000);
    expect(await ask(client, 'uid-1')).toEqual({ success: true });
    await expect(ask(client, 'uid-2')).rejects.toMatchObject({ effect: 'none', code: 'unavailable' });
    const other = await AgentPki.make();
    const stranger = new AgentClient({ tls: other.client, port: (server.address() as AddressInfo).port });
    await expect(ask(stranger, 'uid-1')).rejects.toMatchObject({ effect: 'none' });
    stranger.close();
    rmSync(other.folder, { recursive: true });
  });

  it('AgentStatusStream: follows the status, and reconnects after silence', async () => {
    await serve((_incoming, response) => {
      response.write('{"type":"snapshot","status":{}}\n{"type":"heartbeat"}\n');
    });
    const events: AgentEvent['type'][] = [];
    const sync: boolean[] = [];
    const again = new Promise<void>((resolve) => {
      const stream = new AgentStatusStream({
        client,
        agent: AGENT,
        silenceMs: 100,
        onEvent: ({ type }) => events.push(type),
        onSync: (inSync) => {
          sync.push(inSync);
          if (sync.length === 3) void stream.stop().then(resolve);
        },
      });
      stream.start();
    });
    await again;
    expect(sync.slice(0, 3)).toEqual([true, false, true]);
    expect(events.slice(0, 3)).toEqual(['snapshot', 'heartbeat', 'snapshot']);
  });
});
