import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiserverProcess, VIEWER } from '../../../../test/support/apiserver-process';
import { eventually } from '../../../../test/support/eventually';
import { type Json } from './kube-object';

jest.setTimeout(120_000);
const MAPS = '/api/v1/namespaces/default/configmaps';
/** Every user may create these. */
const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const MIB = 1024 * 1024;
const STALL_MS = 3_000;
const LARGE = 500_000;
const OBJECTS = 20;
const EVENTS = 200;

const configMap = (name: string, bytes: number): Json => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap' },
  ...{ metadata: { name }, data: { text: 'x'.repeat(bytes) } },
});

describe('apiserver: clients that do not read', () => {
  let server: ApiserverProcess;
  let agent: Agent;
  const open: ClientRequest[] = [];

  beforeAll(() => (agent = new Agent({ rejectUnauthorized: false })));
  afterEach(async () => {
    for (const call of open.splice(0)) call.destroy();
    await server.end();
  });

  /** Sends a request and never reads the body of the answer. */
  const send = async (path: string, method = 'GET', headers: Record<string, string> = {}): Promise<IncomingMessage> => {
    const all = { authorization: `Bearer ${VIEWER}`, ...headers };
    const call = request({ host: '127.0.0.1', port: server.port, path, method, agent, headers: all });
    open.push(call);
    call.on('error', () => undefined); // disconnected by the server
    if (method === 'GET') call.end();
    else call.flushHeaders();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.on('error', () => undefined);
    return response;
  };
  const memory = (): number =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) * 1024;
  const isOver = ({ complete, closed, destroyed }: IncomingMessage): boolean => complete || closed || destroyed;

  it.each([
    ['watches', `${MAPS}?watch=true`],
    ['lists', MAPS],
    ['tables with their objects', `${MAPS}?includeObject=Object`],
  ])('%s hold one object for each client in memory, and end when the client reads nothing', async (_what, path) => {
    server = await ApiserverProcess.start('--stall-timeout', `${STALL_MS}ms`);
    for (let n = 0; n < OBJECTS; n += 1) await server.ask('POST', MAPS, configMap(`large-${n}`, LARGE));
    const before = memory();
    const accept = { accept: path.includes('include') ? 'application/json;as=Table;v=v1;g=meta.k8s.io' : '*/*' };
    const readers = await Promise.all(Array.from({ length: 60 }, () => send(path, 'GET', accept)));
    let most = 0;
    const until = Date.now() + STALL_MS / 2;
    while (Date.now() < until) {
      expect((await server.ask('GET', '/version')).status).toBe(200);
      most = Math.max(most, memory() - before);
      await sleep(50);
    }
    console.log(`60 unread ${_what}: ${Math.round(most / MIB)} MiB more`);
    expect(most).toBeLessThan(400 * MIB); // 60 times 10 MB, and copies of them, is what they ask for
    await sleep(2 * STALL_MS);
    for (const reader of readers) reader.resume();
    await eventually(() => readers.every(isOver));
    expect(readers.filter(({ complete }) => complete)).toEqual([]);
    expect((await server.ask('GET', `${MAPS}?limit=1`)).body.items).toHaveLength(1);
  });

  it('a watch gives a slow client each event once and in order', async () => {
    server = await ApiserverProcess.start('--stall-timeout', '20s');
    const watch = await send(`${MAPS}?watch=true`);
    const chunks: string[] = [];
    let events = 0;
    const reading = (async () => {
      for await (const chunk of watch.setEncoding('utf8') as AsyncIterable<string>) {
        chunks.push(chunk);
        events += chunk.split('\n').length - 1;
        if (events === EVENTS) return;
        await sleep(10);
      }
    })().catch(() => undefined); // leaving the loop destroys the stream
    const versions: unknown[] = [];
    for (let n = 0; n < EVENTS; n += 1) {
      const { body } = await server.ask('POST', MAPS, configMap(`event-${n}`, 50_000));
      versions.push(body.metadata?.['resourceVersion']);
    }
    await reading;
    const lines = chunks.join('').trimEnd().split('\n');
    const seen = lines.map(
      (line) => (JSON.parse(line) as { object: { metadata: Json } }).object.metadata['resourceVersion'],
    );
    expect(seen).toEqual(versions);
  });

  it('keeps seats for other users, and answers 429 with retry-after', async () => {
    server = await ApiserverProcess.start('--max-watches', '4', '--max-requests-inflight', '4');
    const path = `${MAPS}?watch=true`;
    const first = await send(path);
    await send(path);
    const refused = await send(path);
    expect(refused).toMatchObject({ statusCode: 429, headers: { 'retry-after': '1' } });
    const { response } = await server.watch(path); // another user's
    expect(response.statusCode).toBe(200);
    response.destroy();
    first.destroy();
    await eventually(async () => (await send(path)).statusCode === 200);

    // requests whose bodies never arrive
    const halves = [1, 2].map(() => send(REVIEWS, 'POST', { 'content-length': '100' }).catch(() => undefined));
    void Promise.all(halves);
    await eventually(async () => (await send(MAPS)).statusCode === 429);
    expect((await server.ask('GET', MAPS)).status).toBe(200);
    for (const call of open.splice(0)) call.destroy();
    await eventually(async () => (await send(MAPS)).statusCode === 200);
  });
});
