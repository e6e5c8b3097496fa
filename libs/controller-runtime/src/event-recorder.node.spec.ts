import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { eventually } from '../../../test/support/eventually';
import { EventRecorder } from './event-recorder';
import { type KubeEvent } from './kinds';
import { KubeClient } from './kube-client';
import { answer, ScriptedServer } from './testing/scripted-server';

let server: ScriptedServer;
let client: KubeClient;
let recorder: EventRecorder;
let created: KubeEvent[];
let status: number;
let refused: (event: KubeEvent) => boolean;
let refusals: number;

beforeAll(() => {
  Logger.overrideLogger(false);
});
beforeEach(async () => {
  created = [];
  status = 201;
  refused = () => false;
  refusals = 0;
  server = await ScriptedServer.start((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const event = JSON.parse(body) as KubeEvent;
      const isRefused = refused(event);
      if (isRefused) refusals++;
      else if (status === 201) created.push(event);
      answer(response, isRefused ? 503 : status, {});
    });
  });
  client = new KubeClient(server.kubeConfig());
  recorder = new EventRecorder(client, 'spec');
});
afterEach(async () => {
  await recorder.stop();
  await client.close();
  await server.stop();
});

const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'n', uid: 'u' } };

it('EventRecorder: writes the fields that kubectl describe reads, and merges repeats', async () => {
  recorder.record(object, 'Warning', 'Broken', 'it broke');
  recorder.record(object, 'Warning', 'Broken', 'it broke');
  recorder.record(object, 'Normal', 'Mended', 'm'.repeat(5000));
  await eventually(() => expect(created).toHaveLength(2));
  expect(created[0]).toMatchObject({
    metadata: { namespace: 'n' },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'n', name: 'a', uid: 'u' },
    type: 'Warning',
    reason: 'Broken',
    message: 'it broke',
    source: { component: 'spec' },
    count: 2,
  });
  expect(created[1]?.message).toHaveLength(1024);
  expect(new Set(created.map(({ metadata }) => metadata.name)).size).toBe(2);
});

it('EventRecorder: drops an event that the server rejects, and retries when it is unavailable', async () => {
  status = 422;
  recorder.record(object, 'Warning', 'Refused', 'x');
  await eventually(() => expect(server.requests).toHaveLength(1));
  status = 503;
  recorder.record(object, 'Warning', 'Away', 'x');
  await eventually(() => expect(server.requests.length).toBeGreaterThan(1));
  status = 201;
  await eventually(() => expect(created.map(({ reason }) => reason)).toEqual(['Away']));
});

it('EventRecorder: keeps no failures of an event that newer ones have displaced', async () => {
  refused = ({ reason }) => reason === 'Displaced';
  recorder.record(object, 'Warning', 'Displaced', 'x');
  await eventually(() => expect(refusals).toBe(2));
  for (let i = 0; i < 512; i++) recorder.record(object, 'Normal', 'Newer', String(i));
  await eventually(() => expect(created).toHaveLength(512), 20_000);
  await sleep(1_200); // the displaced one's next try
  expect(refusals).toBe(2);
  recorder.record(object, 'Warning', 'Displaced', 'x');
  await eventually(() => expect(refusals).toBe(5)); // three tries, as of any other
}, 40_000);
