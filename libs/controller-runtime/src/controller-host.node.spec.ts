import { type ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Readiness } from '@fsb/component-base/readiness';
import { eventually } from '../../../test/support/eventually';
import { Controller } from './controller';
import { ControllerHost } from './controller-host';
import { Informer } from './informer';
import { keyOf, POD_KIND } from './kinds';
import { KubeClient } from './kube-client';
import { ControllerMetrics } from './metrics';
import { answer, ScriptedServer } from './testing/scripted-server';

let server: ScriptedServer;
let client: KubeClient;
let waiting: ServerResponse | undefined;
let finish: () => void;
let log: string[];

beforeEach(async () => {
  Logger.overrideLogger(false);
  [waiting, log] = [undefined, []];
  server = await ScriptedServer.start((request, response) => {
    if (request.url?.includes('watch=true')) response.flushHeaders();
    else waiting = response;
  });
  client = new KubeClient(server.kubeConfig());
});
afterEach(async () => {
  await client.close();
  await server.stop();
});

it('ControllerHost: starts controllers with full caches, and stops after the reconcile in flight', async () => {
  const metrics = new ControllerMetrics(new Registry());
  const readiness = new Readiness();
  const pods = new Informer({ client, kind: POD_KIND });
  const reconcile = (key: string): Promise<void> => {
    log.push(`began ${key}`);
    return new Promise((resolve) => {
      finish = () => {
        log.push('ended');
        resolve();
      };
    });
  };
  const options = { name: 'spec', concurrency: 1, metrics, allKeys: () => pods.list().map(keyOf) };
  const controller = new Controller({ reconcile }, options);
  const runnable = { start: () => log.push('runnable'), stop: () => void log.push('runnable stopped') };
  const host = new ControllerHost(
    { client, readiness, metrics },
    { name: 'spec', informers: { pods }, controllers: [controller], runnables: [runnable] },
  );
  const ready = (): true | string => readiness.entries()[0]![1]();

  host.onApplicationBootstrap();
  await eventually(() => waiting !== undefined);
  expect(ready()).toBe('not listed yet: pods');
  expect(log).toEqual([]);
  answer(waiting!, 200, {
    metadata: { resourceVersion: '1' },
    items: [{ metadata: { name: 'a', namespace: 'n', resourceVersion: '1' } }],
  });
  await eventually(() => expect(log).toEqual(['runnable', 'began n/a']));
  expect(ready()).toBe(true);

  const stopped = host.onModuleDestroy().then(() => log.push('stopped'));
  controller.queue.add('n/b');
  await eventually(() => expect(controller.queue.depth).toBe(0));
  expect(log).not.toContain('stopped');
  finish();
  await stopped;
  await host.onApplicationShutdown();
  expect(log).toEqual(['runnable', 'began n/a', 'ended', 'runnable stopped', 'stopped']);
});

it('ControllerHost: stops while the API server is unreachable', async () => {
  const pods = new Informer({ client, kind: POD_KIND });
  const parts = { client, readiness: new Readiness(), metrics: new ControllerMetrics(new Registry()) };
  const host = new ControllerHost(parts, { name: 'spec', informers: { pods }, election: { namespace: 'n' } });
  host.onApplicationBootstrap();
  await eventually(() => waiting !== undefined);
  await host.onModuleDestroy();
  await host.onApplicationShutdown();
});
