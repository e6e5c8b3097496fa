import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentServerName } from '@fsb/agent-api/agent-endpoint';
import { type KeyPair, makeCa, makeClientCertificate, makeServerCertificate } from '@fsb/pki/certificates';
import { eventually } from '../../../test/support/eventually';
import { hasSysResource } from './sandboxes/placement';
import { EXPECTED, isExpected, outcomesIn } from './testing/expected-outcomes';
import { type Beats, Neighbour } from './testing/neighbour';
import { OPENSSL, SecurityScene } from './testing/security-scene';

const LONG_MS = 60_000;
/** days */
const HALF_AN_HOUR_AGO = -1 / 48;
/** Long enough for a hundred beats on a busy machine. */
const WINDOW_MS = 3_000;
/** Allowed slowdown: the machine is shared, and the test only checks that nothing starves. */
const SLOWER_AT_MOST = 10;
const QUIET_P50_AT_LEAST_MS = 2;
const LIMITS = { cpu: '500m', memory: '64Mi', pids: '64', 'ephemeral-storage': String(20 * 1024 * 1024) };

describe('A hostile sandbox, root in its container', () => {
  let scene: SecurityScene;
  let neighbour: Neighbour;
  let quiet: Beats;
  const table: string[] = [];

  beforeAll(async () => {
    scene = await SecurityScene.start();
    neighbour = await Neighbour.start(scene);
    quiet = await neighbour.during(WINDOW_MS);
  }, 120_000);

  afterAll(async () => {
    console.log(['attempt | what came back', ...table].join('\n'));
    await scene.stop();
  }, 60_000);

  it.each(['cold', 'warm'] as const)(
    'made %s reaches nothing of its host but what SECURITY.md names',
    async (start) => {
      const id = `hostile-${start}`;
      await scene.create(id, start, { command: ['/prober'], env: await scene.targets() });
      await scene.agent.ended(id, LONG_MS);
      const outcomes = outcomesIn(scene.log(id));
      if (start === 'cold') table.push(...Object.entries(outcomes).map((row) => row.join(' | ')));
      expect(Object.keys(outcomes).sort()).toEqual(Object.keys(EXPECTED).sort());
      const surprises = Object.entries(outcomes).filter(([attempt, outcome]) => !isExpected(attempt, outcome));
      expect(surprises).toEqual([]);
      await scene.remove(id);
    },
    90_000,
  );

  it('causes a warning at the start of the agent where the node cannot pin its oom_score_adj', () => {
    const isSaid = readFileSync(scene.agent.logText, 'utf8').includes('sandboxes can lower their oom_score_adj');
    expect(isSaid).toBe(!hasSysResource());
  });

  it("is refused by the agent's API with every certificate but its callers' own", async () => {
    const { ca } = scene.agent.pki;
    const identities: Record<string, KeyPair> = {
      "a caller's": await makeClientCertificate(ca, 'CN=a caller'),
      "another agent's": await makeServerCertificate(ca, [agentServerName('another')]),
      'one that has ended': await makeClientCertificate(ca, 'CN=a caller', HALF_AN_HOUR_AGO),
      "another installation's": await makeClientCertificate(await makeCa('fast-sandbox-agent-ca'), 'CN=a caller'),
    };
    const ask = `echo "$CERT" >/tmp/cert; echo "$KEY" >/tmp/key
      { printf 'GET /api/v1/agent/status HTTP/1.0\r\n\r\n'; sleep 1; } |
        ${OPENSSL} s_client -quiet -connect 127.0.0.1:${scene.agent.port} -cert /tmp/cert -key /tmp/key 2>&1; echo ended`;
    const answers: Record<string, string> = {};
    for (const [index, [whose, { cert, key }]] of Object.entries(identities).entries()) {
      const id = `certificate-${index}`;
      await scene.create(id, 'cold', { command: ['/bin/sh', '-c', ask], env: { CERT: cert, KEY: key } });
      await eventually(() => scene.log(id).includes('ended'), LONG_MS);
      answers[whose] =
        /HTTP\/1\.\d \d+/.exec(scene.log(id))?.[0] ?? /alert [\w ]+|reset/i.exec(scene.log(id))?.[0] ?? 'closed';
      await scene.remove(id);
    }
    table.push(
      ...Object.entries(answers).map(([whose, answer]) => `the agent's API with ${whose} certificate | ${answer}`),
    );
    const { "a caller's": own, ...others } = answers;
    expect(own).toBe('HTTP/1.1 200'); // a stolen one works: the others were refused for whose they are
    for (const answer of Object.values(others)) expect(answer).not.toMatch(/HTTP/);
  }, 120_000);

  it.each<[string, 'warm' | 'cold', (id: string) => Promise<string>]>([
    ['fork-bomb', 'warm', (id) => refusedForks(id)],
    ['memory-bomb', 'cold', (id) => endedWith(id, 'OOMKilled')],
    ['fill-disk', 'warm', (id) => endedWith(id, 'EphemeralStorageExceeded')],
    ['fill-log', 'cold', (id) => endedWith(id, 'EphemeralStorageExceeded')],
  ])(
    'with a %s (%s) meets its own limits, and its neighbour goes on',
    async (load, start, outcome) => {
      const during = neighbour.during(WINDOW_MS);
      await scene.create(load, start, { command: ['/prober', load], resources: LIMITS });
      const reason = await outcome(load);
      const beats = await during;
      table.push(`${load} | ${reason}; the neighbour's p50 ${quiet.p50} ms before, ${beats.p50} ms during`);
      expect(beats.failed).toBe(0);
      expect(beats.count).toBeGreaterThan(quiet.count / SLOWER_AT_MOST);
      expect(beats.p50).toBeLessThan(Math.max(quiet.p50, QUIET_P50_AT_LEAST_MS) * SLOWER_AT_MOST);
      await scene.remove(load);
    },
    90_000,
  );

  it("can take an absent agent's port, and is not taken for the agent", async () => {
    const { agent } = scene;
    await scene.create('squatter', 'cold', { command: ['/prober', 'squat', String(agent.port)] });
    await eventually(() => scene.log('squatter').includes('waits'));
    await agent.end('SIGKILL');
    await eventually(() => scene.log('squatter').includes('took it'));
    const answer = await agent.status().then(
      () => 'an answer',
      (error: unknown) => String((error as NodeJS.ErrnoException).code),
    );
    expect(answer).toMatch(/ECONNRESET|EPROTO|ERR_SSL/);
    table.push(`the agent's port while it is away | DONE, and its callers get ${answer}`);
    await scene.kill('squatter');
    await agent.launch();
    expect(await agent.of('neighbour')).toMatchObject({ phase: 'running' });
  }, 90_000);

  async function endedWith(id: string, reason: string): Promise<string> {
    expect(await scene.agent.ended(id, LONG_MS)).toMatchObject({ phase: 'failed', reason });
    return reason;
  }

  async function refusedForks(id: string): Promise<string> {
    await eventually(async () => /max [1-9]/.test(await scene.cgroupFile(id, 'pids', 'pids.events')), LONG_MS);
    await sleep(WINDOW_MS);
    expect(Number(await scene.cgroupFile(id, 'pids', 'pids.current'))).toBeLessThanOrEqual(Number(LIMITS.pids));
    await scene.kill(id); // else its delete takes the whole grace period
    return `refused (EAGAIN) at ${LIMITS.pids} processes`;
  }
});
