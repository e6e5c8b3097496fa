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
/** Node's own answer, without a message. */
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

  /** A resourceVersion that every write of any object raises. */
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
    // 501: not served, which is the caller's mistake
    expect(status === 501 || (status >= 200 && status < 500)).toBe(true);
    const message = body.message ?? '';
    if (status >= 400 && status !== TOO_LARGE_HEADERS)
      expect({ status, message }).toEqual({ status, message: expect.stringMatching(/\S/) as string });
    expectForPeople(message);
    if (status === 422) expect(message).toMatch(/\w: |rejected/);
    return reply;
  }

  it('dryRun creates of every kind with one hostile field: refused or fine, nothing stored', async () => {
    await fuzz('API server, creates', 0.12, dryCreates, refusedOrFine);
    expect(await currentRevision()).toBe(revision);
  }, 120_000);

  it('dryRun updates and patches: refused or fine, nothing stored', async () => {
    await fuzz('API server, changes', 0.1, dryChanges, refusedOrFine);
    expect(await currentRevision()).toBe(revision);
  }, 120_000);

  it('reviews, bindings and delete options: refused or fine, nothing stored', async () => {
    await fuzz('API server, questions', 0.03, questions, refusedOrFine);
    expect(await currentRevision()).toBe(revision);
  }, 120_000);

  it('reads with hostile paths, queries and headers: refused or fine', async () => {
    await fuzz('API server, reads', 0.08, reads, refusedOrFine);
  }, 120_000);

  it('broken bodies: refused or fine, nothing stored', async () => {
    await fuzz('API server, bodies', 0.04, brokenBodies, refusedOrFine);
    expect(await currentRevision()).toBe(revision);
  }, 120_000);

  it('stored objects: can be read, listed and deleted', async () => {
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

  it('lines that are not HTTP: no 5xx but 501 and 505, nothing stored', async () => {
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
