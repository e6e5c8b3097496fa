import { AGENT_PATHS } from '@fsb/agent-api/agent-api';
import * as fc from 'fast-check';
import { AgentProcess } from '../support/agent-process';
import { fuzz } from './fuzz';
import { brokenText, hostileText, type Mutation, mutated, mutationOf } from './hostile';
import { expectForPeople } from './refusal';
import { WatchedProcess } from './watched-process';

const MOST_MIB = 96;
const ANSWER_MS = 10_000;
const JSON_TYPE = { 'content-type': 'application/json' };
/** Statuses of Node itself, without a body: HTTP parser, `expect`, header limit. */
const WORDLESS = [400, 417, 431];

/**
 * A create that is valid in every field but refused twice: wrong agent uid, and a command that the image does not have.
 */
const CREATE = {
  agentUid: 'another-agent',
  sandbox: {
    ...{ sandboxId: 'hostile', claimUid: 'uid', claimName: 'hostile', namespace: 'default', image: 'busybox' },
    ...{ command: ['/bin/no-such-thing'], args: ['a'], env: { A: 'b' }, workingDir: '/tmp', ports: [8080] },
    ...{ cpu: '1', memory: '64Mi', resources: { cpu: '1', memory: '64Mi', pids: '10', 'ephemeral-storage': '1Gi' } },
    ...{ labels: { team: 'a' }, generation: 1, object: { metadata: { labels: { a: 'b' } }, spec: { image: 'a' } } },
    pullSecrets: [{ host: 'localhost', username: 'a', password: 'b' }],
  },
};
const COMMANDS = [
  { path: AGENT_PATHS.create, base: CREATE },
  { path: AGENT_PATHS.delete, base: { sandboxId: 'nobody', generation: 1 } },
  { path: AGENT_PATHS.bind, base: { sandboxId: 'nobody', claimUid: 'a' } },
  { path: AGENT_PATHS.drain, base: { draining: false } },
] as const;

describe('node-agent: hostile input', () => {
  let agent: AgentProcess;
  let watched: WatchedProcess[];

  beforeAll(async () => {
    agent = await AgentProcess.start('agfuzz', { 'memory-limit': '512Mi' });
    await fuzz('agent: first calls', 0.02, mutationOf(CREATE), async (mutation) => {
      await ask(AGENT_PATHS.create, 'POST', JSON_TYPE, mutated(CREATE, mutation));
    });
    watched = [new WatchedProcess('node-agent', agent.pid), new WatchedProcess('containerd', agent.containerd.pid)];
  }, 120_000);

  afterEach(async () => {
    expect((await agent.post('drain', { draining: false })).status).toBe(200);
    expect(await agent.status()).toMatchObject({ allocated: 0, draining: false, sandboxStatuses: [] });
    for (const process_ of watched) await process_.expectUnharmed(MOST_MIB);
  }, 60_000);

  afterAll(() => agent.stop(), 60_000);

  async function ask(path: string, method: string, headers: Record<string, string>, body?: string): Promise<Response> {
    const call = { method, headers, signal: AbortSignal.timeout(ANSWER_MS), ...(body === undefined ? {} : { body }) };
    return agent.fetch(path.replace('/api/v1/agent/', ''), call);
  }

  async function expectRefusedOrFine(response: Response): Promise<void> {
    const { status } = response;
    const content = await response.text();
    expect({ status, content }).toEqual({ status: expect.any(Number) as number, content });
    expect(status < 500).toBe(true);
    expectForPeople(content);
    if (status >= 400 && !WORDLESS.includes(status)) {
      expect(JSON.parse(content)).toMatchObject({ success: false, message: expect.stringMatching(/\S/) as string });
    }
  }

  it('refuses or survives commands with one hostile field', async () => {
    const cases = fc
      .constantFrom(...COMMANDS, COMMANDS[0], COMMANDS[0])
      .chain(({ path, base }) => mutationOf(base).map((mutation) => ({ path, body: mutated(base, mutation) })));
    await fuzz('agent, commands', 0.12, cases, async ({ path, body }) => {
      await expectRefusedOrFine(await ask(path, 'POST', JSON_TYPE, body));
    });
  }, 120_000);

  it('refuses creates with one hostile field, up to the look-up of the command', async () => {
    const base = { sandbox: CREATE.sandbox };
    const keepsCommand = ({ path: [, field] }: Mutation): boolean => field !== undefined && field !== 'command';
    await fuzz('agent, creates', 0.02, mutationOf(base).filter(keepsCommand), async (mutation) => {
      const response = await ask(AGENT_PATHS.create, 'POST', JSON_TYPE, mutated(base, mutation));
      expect(response.status).toBeGreaterThanOrEqual(400);
      await expectRefusedOrFine(response);
    });
  }, 120_000);

  it('refuses a command of any name that the image does not have', async () => {
    await fuzz('agent, commands to look up', 0.01, hostileText, async (name) => {
      const { status, body } = await agent.create('hostile', { command: [`/no-such/${name}`] });
      expect([400, 404]).toContain(status);
      expectForPeople(body.message ?? '');
    });
  }, 120_000);

  it('refuses broken bodies of every type and encoding', async () => {
    const cases = fc.record({
      path: fc.constantFrom(...COMMANDS.map(({ path }) => path)),
      type: fc.constantFrom('application/json', 'text/plain', 'application/x-www-form-urlencoded', 'a', '__proto__/a'),
      encoding: fc.constantFrom('', 'identity', 'gzip', 'br', 'a'),
      body: brokenText.filter((body) => body !== '{"draining":true}'),
    });
    await fuzz('agent, bodies', 0.04, cases, async ({ path, type, encoding, body }) => {
      const headers = { 'content-type': type, ...(encoding === '' ? {} : { 'content-encoding': encoding }) };
      await expectRefusedOrFine(await ask(path, 'POST', headers, body));
    });
  }, 120_000);

  it('answers reads with hostile queries, paths and headers', async () => {
    const word = hostileText
      .filter((one) => one.length < 3_000)
      .map((one) => encodeURIComponent(Buffer.from(one).toString()));
    const cases = fc.record({
      method: fc.constantFrom('GET', 'GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'),
      path: fc.oneof(
        fc
          .tuple(word, word, word)
          .map(([id, follow, lines]) => `logs?sandboxId=${id}&follow=${follow}&tailLines=${lines}`),
        fc.tuple(word, word).map(([key, value]) => `logs?sandboxId=nobody&${key}=${value}&sandboxId=b`),
        word.filter((one) => one !== 'true').map((watch) => `status?watch=${watch}`),
        word,
      ),
      headers: fc.dictionary(
        fc.constantFrom('accept', 'expect', 'traceparent', 'content-type', 'x-a'),
        hostileText.filter((one) => /^[\x20-\x7e]*$/.test(one) && one.length < 3_000),
        { maxKeys: 1, noNullPrototype: true },
      ),
    });
    await fuzz('agent, reads', 0.05, cases, async ({ method, path, headers }) => {
      const response = await ask(path, method, headers);
      if (method === 'HEAD' || path.startsWith('status')) expect(await response.text()).toBeDefined();
      else await expectRefusedOrFine(response);
    });
  }, 120_000);

  it('answers hostile requests at the port of the probes', async () => {
    const path = fc.oneof(fc.constantFrom('/healthz', '/readyz', '/metrics', '/api/v1/agent/status'), fc.webPath());
    const cases = fc.record({ path, method: fc.constantFrom('GET', 'POST', 'DELETE'), body: brokenText });
    await fuzz('agent, probes', 0.02, cases, async ({ path: at, method, body }) => {
      const response = await fetch(`http://127.0.0.1:${agent.probePort}${at}`, {
        ...{ method, signal: AbortSignal.timeout(ANSWER_MS) },
        ...(method === 'GET' ? {} : { body }),
      });
      const content = await response.text();
      expect(response.status).toBeLessThan(500);
      if (response.status >= 400) expectForPeople(content);
    });
  }, 120_000);
});
