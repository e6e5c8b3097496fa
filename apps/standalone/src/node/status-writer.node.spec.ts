import { setTimeout as sleep } from 'node:timers/promises';
import { type Pod } from '@fsb/controller-runtime/kinds';
import { KubeClient } from '@fsb/controller-runtime/kube-client';
import { answer, type Handler, ScriptedServer } from '@fsb/controller-runtime/testing/scripted-server';
import { pino } from 'pino';
import { eventually } from '../../../../test/support/eventually';
import { StatusWriter } from './status-writer';

/** Time in which a writer that retries has sent three more writes. */
const RETRIES_MS = 1_500;
const pod = (uid: string): Pod => ({ metadata: { namespace: 'default', name: 'a', uid } });

describe('StatusWriter', () => {
  const closing = new AbortController();
  let server: ScriptedServer;
  let client: KubeClient;
  let handler: Handler;
  let writer: StatusWriter;
  const writes = (): number => server.requests.filter((request) => request.startsWith('PATCH')).length;

  beforeEach(async () => {
    server = await ScriptedServer.start((request, response) => handler(request, response));
    client = new KubeClient(server.kubeConfig(), 'spec');
    writer = new StatusWriter(client, pod('first'), pino({ level: 'silent' }), closing.signal);
  });
  afterEach(async () => {
    await client.close();
    await server.stop();
  });
  afterAll(() => closing.abort());

  it.each([
    ['is gone', 404, 404, pod('first')],
    ['is gone and another has its name', 409, 200, pod('second')],
    ['goes while it is asked for', 409, 404, pod('first')],
  ])('ends a write when the Pod %s', async (_, patched, found, body) => {
    handler = (request, response) => answer(response, request.method === 'PATCH' ? patched : found, body);
    writer.write({ phase: 'Running' });
    await sleep(RETRIES_MS);
    expect(writes()).toBe(1);
  });

  it.each([409, 500])('repeats a write that the API server refuses with %p while the Pod exists', async (refused) => {
    handler = (request, response) =>
      answer(response, request.method === 'PATCH' && writes() < 3 ? refused : 200, pod('first'));
    writer.write({ phase: 'Running' });
    await eventually(() => writes() === 3);
    await sleep(RETRIES_MS);
    expect(writes()).toBe(3);
  });
});
