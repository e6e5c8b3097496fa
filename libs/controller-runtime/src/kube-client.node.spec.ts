import { type ErrorCode } from '@fsb/api/errors';
import { type Pod, POD_KIND } from './kinds';
import { KubeClient } from './kube-client';
import { answer, type Handler, ScriptedServer } from './testing/scripted-server';

let server: ScriptedServer;
let client: KubeClient;
let handler: Handler;

beforeEach(async () => {
  server = await ScriptedServer.start((request, response) => handler(request, response));
  client = new KubeClient(server.kubeConfig(), 'spec');
});
afterEach(async () => {
  await client.close();
  await server.stop();
});

const pod = (name: string): Pod => ({ metadata: { name, namespace: 'default', resourceVersion: '1' } });

it('KubeClient: uses one connection for sequential calls, and one for a watch', async () => {
  handler = (request, response) => {
    if (request.url?.includes('watch=true')) response.write('{}\n');
    else answer(response, 200, pod('a'));
  };
  const stopping = new AbortController();
  const watch = await client.watch(POD_KIND, { resourceVersion: '1', timeoutSeconds: 60 }, { signal: stopping.signal });
  for (let i = 0; i < 50; i++) await client.get(POD_KIND, { namespace: 'default', name: 'a' });
  for (let i = 0; i < 50; i++) await client.create(POD_KIND, pod(`p${i}`));
  expect(server.requests).toHaveLength(101);
  expect(server.handshakes).toBe(2);
  watch.on('error', () => undefined);
  stopping.abort();
});

it('KubeClient: reports verb, resource and status of each call to its observer', async () => {
  const calls: string[] = [];
  const observed = new KubeClient(server.kubeConfig(), 'spec', {
    called: (verb, resource, code) => calls.push(`${verb} ${resource} ${code}`),
  });
  handler = (request, response) => {
    if (request.method === 'PATCH') request.socket.destroy();
    else if (request.method === 'POST') answer(response, 409, {});
    else answer(response, 200, pod('a'));
  };
  await observed.get(POD_KIND, { namespace: 'default', name: 'a' });
  await observed.list(POD_KIND);
  await expect(observed.create(POD_KIND, pod('a'))).rejects.toThrow();
  await expect(observed.patchStatus(POD_KIND, { namespace: 'default', name: 'a' }, {})).rejects.toThrow();
  expect(calls).toEqual(['get pods 200', 'list pods 200', 'create pods 409', 'patch pods 0']);
  await observed.close();
});

it('KubeClient: sends the token, the kind and the API paths', async () => {
  const seen: { authorization: string | undefined; type: string | undefined; body: string }[] = [];
  handler = (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ authorization: request.headers.authorization, type: request.headers['content-type'], body });
      answer(response, 200, pod('a'));
    });
  };
  const key = { namespace: 'ns', name: 'a' };
  await client.create(POD_KIND, pod('a'));
  await client.patchStatus(POD_KIND, key, { status: { phase: 'Running' } });
  await client.delete(POD_KIND, key, { uid: 'u' });
  expect(server.requests).toEqual([
    'POST /api/v1/namespaces/default/pods',
    'PATCH /api/v1/namespaces/ns/pods/a/status',
    'DELETE /api/v1/namespaces/ns/pods/a',
  ]);
  expect(seen.map(({ authorization }) => authorization)).toEqual(Array(3).fill('Bearer secret'));
  expect(seen[1]?.type).toBe('application/merge-patch+json');
  expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({ apiVersion: 'v1', kind: 'Pod' });
  expect(JSON.parse(seen[2]?.body ?? '')).toMatchObject({ kind: 'DeleteOptions', preconditions: { uid: 'u' } });
});

it.each<[number, string, ErrorCode]>([
  [404, 'NotFound', 'not_found'],
  [409, 'AlreadyExists', 'already_exists'],
  [409, 'Conflict', 'aborted'],
  [400, 'BadRequest', 'invalid_argument'],
  [422, 'Invalid', 'invalid_argument'],
  [401, 'Unauthorized', 'unauthenticated'],
  [403, 'Forbidden', 'permission_denied'],
  [429, 'TooManyRequests', 'unavailable'],
  [500, 'InternalError', 'unavailable'],
  [503, 'ServiceUnavailable', 'unavailable'],
])('KubeClient: turns %i %s into %s', async (status, reason, code) => {
  handler = (_request, response) => answer(response, status, { kind: 'Status', reason, message: 'says why' });
  const failure = client.get(POD_KIND, { namespace: 'default', name: 'a' });
  await expect(failure).rejects.toMatchObject({ code, reason, message: expect.stringContaining('says why') as string });
});

it('KubeClient: fails with deadline_exceeded, aborted or unavailable without an answer', async () => {
  handler = () => undefined;
  const key = { namespace: 'default', name: 'a' };
  await expect(client.get(POD_KIND, key, { deadlineMs: 50 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
  const stopping = new AbortController();
  const call = client.get(POD_KIND, key, { signal: stopping.signal });
  stopping.abort();
  await expect(call).rejects.toMatchObject({ code: 'aborted' });
  const hung = client.watch(POD_KIND, { resourceVersion: '1', timeoutSeconds: 60 }, { deadlineMs: 50 });
  await expect(hung).rejects.toMatchObject({ code: 'deadline_exceeded' });

  const gone = await ScriptedServer.start(() => undefined);
  const config = gone.kubeConfig();
  await gone.stop();
  await expect(new KubeClient(config).get(POD_KIND, key)).rejects.toMatchObject({ code: 'unavailable' });
});

it('KubeClient: reports an HTML page of a proxy as unavailable', async () => {
  handler = (_request, response) => {
    response.statusCode = 502;
    response.end('<html>bad gateway</html>');
  };
  await expect(client.list(POD_KIND)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'GET /api/v1/pods: <html>bad gateway</html>',
  });
});
