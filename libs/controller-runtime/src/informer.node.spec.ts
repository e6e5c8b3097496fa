import { type ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { eventually } from '../../../test/support/eventually';
import { Informer } from './informer';
import { type Pod, POD_KIND } from './kinds';
import { KubeClient } from './kube-client';
import { answer, ScriptedServer } from './testing/scripted-server';

let server: ScriptedServer;
let informer: Informer<Pod>;
let client: KubeClient;
let onList: (response: ServerResponse, url: string) => void;
let onWatch: (response: ServerResponse, url: string) => void;
let changes: string[];

const pod = (name: string, resourceVersion: string, namespace = 'd'): Pod => ({
  metadata: { name, namespace, resourceVersion, managedFields: [{}] } as Pod['metadata'],
});
const list = (response: ServerResponse, version: string, items: Pod[]): void =>
  answer(response, 200, { kind: 'PodList', metadata: { resourceVersion: version }, items });
const line = (response: ServerResponse, type: string, object: unknown): void => {
  response.write(`${JSON.stringify({ type, object })}\n`);
};
const count = (part: string): number => server.requests.filter((request) => request.includes(part)).length;

beforeAll(() => {
  Logger.overrideLogger(false);
});
beforeEach(async () => {
  changes = [];
  server = await ScriptedServer.start((request, response) => {
    const url = request.url ?? '';
    if (url.includes('watch=true')) onWatch(response, url);
    else onList(response, url);
  });
  client = new KubeClient(server.kubeConfig());
  onList = (response) => list(response, '10', [pod('a', '5')]);
  onWatch = (response) => response.flushHeaders();
});
afterEach(async () => {
  await informer.stop();
  await client.close();
  await server.stop();
});

function start(silenceMs = 60_000): void {
  informer = new Informer({ client, kind: POD_KIND, silenceMs, retryMs: 10 });
  informer.onChange((key, current, previous) => {
    changes.push(`${previous ? 'was' : 'new'} ${key} ${current?.metadata.resourceVersion ?? 'gone'}`);
  });
  informer.start();
}

it('Informer: retries the list until the server answers, then is synced', async () => {
  let failures = 3;
  onList = (response) => (failures-- > 0 ? answer(response, 500, {}) : list(response, '10', [pod('a', '5')]));
  start();
  expect(informer.hasSynced).toBe(false);
  await informer.synced;
  expect(informer.hasSynced).toBe(true);
  expect(informer.lastContactMs).toBeGreaterThan(0);
  expect(informer.get('d/a')).toMatchObject({ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } });
});

it('Informer: applies watch events, drops managedFields, and lists by namespace', async () => {
  onWatch = (response) => {
    line(response, 'ADDED', pod('b', '11', 'e'));
    line(response, 'MODIFIED', pod('a', '12'));
    line(response, 'BOOKMARK', { metadata: { resourceVersion: '13' } });
    line(response, 'DELETED', pod('b', '14', 'e'));
  };
  start();
  await eventually(() => expect(changes).toHaveLength(4));
  expect(changes).toEqual(['new d/a 5', 'new e/b 11', 'was d/a 12', 'was e/b gone']);
  expect(informer.get('d/a')?.metadata).not.toHaveProperty('managedFields');
  expect(informer.list('d').map(({ metadata }) => metadata.name)).toEqual(['a']);
  expect(informer.list('e')).toEqual([]);
  expect(informer.list()).toHaveLength(1);
});

it('Informer: resumes from the last version when the server ends the watch', async () => {
  const versions: (string | null)[] = [];
  onWatch = (response, url) => {
    versions.push(new URLSearchParams(url.split('?')[1]).get('resourceVersion'));
    if (versions.length > 1) return;
    line(response, 'ADDED', pod('b', '11'));
    setTimeout(() => response.end(), 1_050);
  };
  start();
  await eventually(() => expect(versions).toEqual(['10', '11']));
  expect(count('limit=')).toBe(1);
});

it('Informer: relists after a 410, and reports the changes in between', async () => {
  let expired = false;
  onList = (response) => {
    list(response, '30', expired ? [pod('a', '5'), pod('c', '25')] : [pod('a', '5'), pod('b', '6')]);
  };
  onWatch = (response) => {
    if (expired) return;
    expired = true;
    line(response, 'ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' });
    response.end();
  };
  start();
  await eventually(() => expect(changes).toHaveLength(4));
  expect(changes).toEqual(['new d/a 5', 'new d/b 6', 'new d/c 25', 'was d/b gone']);
});

it('Informer: resumes without a list when the connection breaks or the server is too busy', async () => {
  const versions: (string | null)[] = [];
  onWatch = (response, url) => {
    versions.push(new URLSearchParams(url.split('?')[1]).get('resourceVersion'));
    if (versions.length === 1) {
      line(response, 'ADDED', pod('b', '11'));
      setTimeout(() => response.destroy(), 20);
    } else if (versions.length === 2) answer(response, 503, {});
    else response.flushHeaders();
  };
  start();
  await eventually(() => expect(versions).toEqual(['10', '11', '11']));
  expect(count('limit=')).toBe(1);
  expect(changes).toEqual(['new d/a 5', 'new d/b 11']);
});

it('Informer: relists after an ERROR event other than 410', async () => {
  onWatch = (response) => {
    if (count('watch=true') > 1) return;
    line(response, 'ERROR', { kind: 'Status', code: 500, reason: 'InternalError', message: 'lost its place' });
    response.end();
  };
  start();
  await eventually(() => expect(count('limit=')).toBe(2));
});

it('Informer: recovers from a connection that breaks within a line', async () => {
  let broken = false;
  onWatch = (response) => {
    if (broken) {
      line(response, 'ADDED', pod('b', '11'));
      return;
    }
    broken = true;
    response.write('{"type":"ADDED","obj');
    setTimeout(() => response.destroy(), 20);
  };
  start();
  await eventually(() => expect(informer.get('d/b')).toBeDefined());
});

it('Informer: reopens a silent watch at the last version', async () => {
  start(100);
  await eventually(() => expect(count('watch=true')).toBeGreaterThan(2));
  expect(count('limit=')).toBe(1);
});

it('Informer: backs off from a server that ends every watch at once', async () => {
  onWatch = (response) => response.end();
  start();
  await eventually(() => expect(count('watch=true')).toBeGreaterThan(4));
  const before = count('watch=true');
  await eventually(() => expect(count('watch=true')).toBeGreaterThan(before + 1));
  expect(count('watch=true')).toBeLessThan(20);
});

it('Informer: reads a list page by page', async () => {
  onList = (response, url) => {
    const next = new URLSearchParams(url.split('?')[1]).get('continue');
    if (next) {
      list(response, '10', [pod('b', '6')]);
      return;
    }
    answer(response, 200, { metadata: { resourceVersion: '10', continue: 'more' }, items: [pod('a', '5')] });
  };
  start();
  await informer.synced;
  expect(informer.list().map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
});

it('Informer: keeps the part of each object that `keep` returns', async () => {
  const keep = ({ metadata: { name, namespace, resourceVersion } }: Pod): Pod => ({
    metadata: { name, namespace, resourceVersion } as Pod['metadata'],
  });
  onWatch = (response) => line(response, 'ADDED', { ...pod('b', '11'), spec: { containers: [] } });
  informer = new Informer({ client, kind: POD_KIND, keep });
  informer.start();
  await eventually(() =>
    expect(informer.get('d/b')).toEqual({ metadata: { name: 'b', namespace: 'd', resourceVersion: '11' } }),
  );
  expect(informer.get('d/a')).toEqual({ metadata: { name: 'a', namespace: 'd', resourceVersion: '5' } });
});

it('Informer: stops while a list hangs', async () => {
  onList = () => undefined;
  start();
  await eventually(() => expect(server.requests).toHaveLength(1));
  await informer.stop();
  expect(informer.hasSynced).toBe(false);
});
