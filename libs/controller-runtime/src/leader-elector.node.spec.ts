import { type IncomingMessage, type ServerResponse } from 'node:http';
import { eventually } from '../../../test/support/eventually';
import { type Lease } from './kinds';
import { KubeClient } from './kube-client';
import { LeaderElector } from './leader-elector';
import { KubeLeaseLock } from './lease-lock';
import { answer, ScriptedServer } from './testing/scripted-server';

/** Candidates, identified by their User-Agent. */
let down: Set<string>;
let hung: Set<string>;
let stored: Lease | undefined;
let server: ScriptedServer;
let clients: KubeClient[];
let leading: Set<string>;
let overlap: boolean;
let stops: Map<string, AbortController>;
let runs: Promise<void>[];

function serve(request: IncomingMessage, response: ServerResponse, body: string): void {
  const who = request.headers['user-agent'] ?? '';
  if (hung.has(who)) return;
  if (down.has(who)) {
    answer(response, 500, {});
    return;
  }
  if (request.method !== 'GET') {
    const lease = JSON.parse(body) as Lease;
    const version = stored?.metadata.resourceVersion;
    if (request.method === 'POST' && stored) {
      answer(response, 409, { reason: 'AlreadyExists' });
      return;
    }
    if (request.method === 'PUT' && lease.metadata.resourceVersion !== version) {
      answer(response, 409, { reason: 'Conflict' });
      return;
    }
    stored = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(Number(version ?? 0) + 1) } };
  }
  if (stored) answer(response, 200, stored);
  else answer(response, 404, { reason: 'NotFound' });
}

beforeEach(async () => {
  [down, hung, leading] = [new Set(), new Set(), new Set()];
  stops = new Map();
  [clients, runs, overlap, stored] = [[], [], false, undefined];
  server = await ScriptedServer.start((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => serve(request, response, body));
  });
});
afterEach(async () => {
  for (const stop of stops.values()) stop.abort();
  await Promise.all(runs);
  await Promise.all(clients.map((client) => client.close()));
  await server.stop();
});

function campaign(identity: string): void {
  const client = new KubeClient(server.kubeConfig(), identity);
  const stop = new AbortController();
  clients.push(client);
  stops.set(identity, stop);
  const lock = new KubeLeaseLock(client, { namespace: 'kube-system', name: 'spec' });
  const times = { leaseDurationMs: 1_000, renewDeadlineMs: 600, retryPeriodMs: 50 };
  const lead = (signal: AbortSignal): Promise<void> => {
    leading.add(identity);
    overlap ||= leading.size > 1;
    return new Promise((resolve) =>
      signal.addEventListener('abort', () => {
        leading.delete(identity);
        resolve();
      }),
    );
  };
  runs.push(new LeaderElector(lock, { identity, ...times }).run(lead, stop.signal));
}

const leader = (): Promise<string> => eventually(() => [...leading][0] ?? false);

it('LeaderElector: replaces a leader that is cut off, and at once one that releases; never two leaders', async () => {
  for (const identity of ['a', 'b', 'c']) campaign(identity);
  const first = await leader();
  expect(stored?.spec).toMatchObject({ holderIdentity: first, leaseDurationSeconds: 1 });
  expect(stored?.spec?.renewTime).toMatch(/\.\d{6}Z$/);

  down.add(first);
  const second = await eventually(() => [...leading].find((each) => each !== first) ?? false);
  expect(stored?.spec?.leaseTransitions).toBe(1);

  stops.get(second)?.abort();
  const left = performance.now();
  await eventually(() => leading.size === 1 && !leading.has(second));
  expect(performance.now() - left).toBeLessThan(600); // released, not expired
  expect(overlap).toBe(false);
});

it('LeaderElector: a leader whose calls hang stops leading before another takes over', async () => {
  campaign('a');
  campaign('b');
  const first = await leader();
  hung.add(first);
  await eventually(() => leading.size === 1 && !leading.has(first));
  expect(overlap).toBe(false);
});

it('LeaderElector: renews the lease until the last reconcile has ended', async () => {
  const client = new KubeClient(server.kubeConfig(), 'slow');
  clients.push(client);
  const lock = new KubeLeaseLock(client, { namespace: 'kube-system', name: 'spec' });
  const times = { leaseDurationMs: 1_000, renewDeadlineMs: 600, retryPeriodMs: 50 };
  const stop = new AbortController();
  let finish: () => void = () => undefined;
  const lead = (): Promise<void> => new Promise((resolve) => (finish = resolve));
  const run = new LeaderElector(lock, { identity: 'slow', ...times }).run(lead, stop.signal);
  await eventually(() => stored?.spec?.holderIdentity === 'slow');
  stop.abort();
  const version = Number(stored?.metadata.resourceVersion);
  await eventually(() => Number(stored?.metadata.resourceVersion) > version + 2);
  expect(stored?.spec?.holderIdentity).toBe('slow');
  finish();
  await run;
  expect(stored?.spec?.holderIdentity).toBe('');
});
