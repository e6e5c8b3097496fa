import { connect } from 'node:tls';
import { text } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { ApiserverProcess } from '../support/apiserver-process';
import { type Reply } from '../support/kube-http';
import { fuzz } from './fuzz';
import {
  brokenBodies,
  dryChanges,
  dryCreates,
  type KubeRequest,
  questions,
  poolCreates,
  reads,
  sandboxCreates,
  VICTIMS,
} from './kube-requests';
import { expectForPeople } from './refusal';
import { WatchedProcess } from './watched-process';

const MOST_MIB = 96;
const WARM_UP_SHARE = 0.02;
const ANSWER_MS = 5_000;
/** Node's own answer, which has no words. */
const TOO_LARGE_HEADERS = 431;
const LIST = '/api/v1/configmaps?limit=1';

describe("standalone's API server: hostile input", () => {
  let server: ApiserverProcess;
  let watched: WatchedProcess;
  let revision: string;

  beforeAll(async () => {
    server = await ApiserverProcess.start();
    for (const { path, object } of VICTIMS) expect((await server.ask('POST', path, object)).status).toBe(201);
    await fuzz('API server: first calls', WARM_UP_SHARE, dryCreates, async (request) => {
      await ask(request);
    });
    watched = new WatchedProcess('apiserver', server.pid);
  }, 60_000);

  beforeEach(async () => {
    revision = await currentRevision();
  });

  afterEach(async () => {
    await watched.expectUnharmed(MOST_MIB);
    const name = 'good';
    const good = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
    expect((await server.ask('POST', '/api/v1/namespaces/default/configmaps', good)).status).toBe(201);
    expect((await server.ask('DELETE', `/api/v1/namespaces/default/configmaps/${name}`)).status).toBe(200);
  }, 60_000);

  afterAll(() => server.end());

  /** Every write of any object raises it. */
  async function currentRevision(): Promise<string> {
    return (await server.ask('GET', LIST)).body.metadata?.['resourceVersion'] as string;
  }

  async function ask({ method, path, headers, body }: KubeRequest): Promise<Reply> {
    const started = performance.now();
    const reply = await server.ask(method, path, body, { ...headers });
    expect(performance.now() - started).toBeLessThan(ANSWER_MS);
    return reply;
  }

  async function refusedOrFine(request: KubeRequest): Promise<Reply> {
    const reply = await ask(request);
    const { status, body } = reply;
    // what is not served is 501, of which one is to blame oneself
    expect(status === 501 || (status >= 200 && status < 500)).toBe(true);
    const message = body.message ?? '';
    if (status >= 400 && status !== TOO_LARGE_HEADERS)
      expect({ status, message }).toEqual({ status, message: expect.stringMatching(/\S/) as string });
    expectForPeople(message);
    if (status === 422) expect(message).toMatch(/\w: |rejected/);
    return reply;
  }

  it('creates for show of every kind, with one hostile field', async () => {
    await fuzz('API server, creates', 0.12, dryCreates, refusedOrFine);
    expect(await currentRevision()).toBe(revision);
  }, 120_000);

  it('updates and patches for show', async () => {
    await fuzz('API server, changes', 0.1, dryChanges, refusedOrFine);
    expect(await currentRevision()).toBe(revision);
  }, 120_000);

  it('reviews, bindings and the options of deletes', async () => {
    await fuzz('API server, questions', 0.03, questions, refusedOrFine);
    expect(await currentRevision()).toBe(revision);
  }, 120_000);

  it('reads with hostile paths, queries and headers', async () => {
    await fuzz('API server, reads', 0.08, reads, refusedOrFine);
  }, 120_000);

  it('bodies that are none', async () => {
    await fuzz('API server, bodies', 0.04, brokenBodies, refusedOrFine);
    expect(await currentRevision()).toBe(revision);
  }, 120_000);

  it('what it does store can be read, listed and deleted again', async () => {
    await fuzz('CRDs, stored', 0.03, fc.oneof(sandboxCreates, poolCreates), async (request) => {
      const { status, body } = await refusedOrFine(request);
      if (status !== 201) return;
      const name = body.metadata?.['name'] as string;
      const path = `${request.path}/${name}`;
      expect((await server.ask('GET', path)).body).toEqual(body);
      expect((await server.ask('GET', request.path)).body.items).toContainEqual(
        expect.objectContaining({ metadata: body.metadata }),
      );
      expect((await server.ask('PATCH', path, { metadata: { finalizers: null } }, MERGE)).status).toBe(200);
      expect((await server.ask('DELETE', path)).status).toBe(200);
      expect((await server.ask('GET', path)).status).toBe(404);
    });
  }, 120_000);

  it('lines that are no HTTP', async () => {
    const lines = fc.tuple(
      fc.oneof(
        fc.constantFrom('GET / HTTP/1.1', 'GET // HTTP/1.1', 'POST /api HTTP/9.9', 'PRI * HTTP/2.0'),
        fc.string({ unit: 'binary' }),
      ),
      fc.array(
        fc.oneof(
          fc.string(),
          fc.constantFrom(
            'Host: a',
            'Content-Length: -1',
            'Content-Length: 1',
            'Transfer-Encoding: chunked',
            'A: b'.repeat(9_000),
          ),
        ),
      ),
    );
    await fuzz('API server, raw', 0.01, lines, async ([first, more]) => {
      const socket = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false });
      socket.on('error', () => undefined);
      socket.end(`${[first, ...more].join('\r\n')}\r\n\r\n`);
      expect(await text(socket).catch(() => '')).not.toMatch(/^HTTP\/1.1 5(?!01|05)|\n\s+at /);
    });
    expect(await currentRevision()).toBe(revision);
  }, 120_000);
});

const MERGE = { 'content-type': 'application/merge-patch+json' };
